import { join } from "node:path";
import { buildSync } from "esbuild";

const ROOT = join(import.meta.dirname, "../..");

/** A program of this repository as one file in a folder, as actions are: what is measured is then not the loading of sources. */
export function bundled(source: string, folder: string): string {
  const outfile = join(folder, `${source.replaceAll("/", "-")}.mjs`);
  buildSync({
    entryPoints: [join(ROOT, source)],
    outfile,
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  return outfile;
}
