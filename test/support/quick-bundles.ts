import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { build, transformSync } from "esbuild";
import { addPost } from "../../actions/shared/tools/bundle-program.ts";
import { copyRuntimeFiles } from "../../actions/shared/tools/runtime-files.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Set up once for suites that start actions of all kinds. */
export function setup(): Promise<() => Promise<void>> {
  return quickBundles(readdirSync(join(ROOT, "actions")).map((name) => (name === "shared" ? "shared/cli" : name)));
}

/**
 * For suites that start actions as processes by the hundred: each of these programs as one bundle of the sources as they are now, since a
 * process that strips types from hundreds of files takes four times as long to start. Not the bundles that are published: those are tested
 * by `make test-e2e`.
 */
export async function quickBundles(programs: readonly string[]): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "ml-release-bundles-"));
  const dists = new Map(programs.map((program) => [program, join(folder, "dist", program)]));
  await Promise.all([...dists].map(([program, outdir]) => bundle(join(ROOT, "actions", program, "index.ts"), outdir)));
  for (const action of programs.filter((program) => program !== "shared/cli")) await addPost(folder, action);
  await copyRuntimeFiles(ROOT, dists);
  for (const dist of dists.values()) copyProcesses(dist);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  process.env.ML_RELEASE_TEST_BUNDLES = join(folder, "dist");
  return () => rm(folder, { recursive: true, force: true });
}

async function bundle(entry: string, outdir: string): Promise<void> {
  await build({
    entryPoints: [entry],
    outdir,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node24",
    keepNames: true,
    logLevel: "error",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
}

/** Programs that an action starts as a process of its own: see actions/shared/tools/process-files.ts. */
function copyProcesses(dist: string): void {
  const codes = readdirSync(dist).filter((name) => name.endsWith(".js"));
  const code = codes.map((name) => readFileSync(join(dist, name), "utf8")).join("\n");
  const sources = readdirSync(join(ROOT, "actions"), { recursive: true }).map(String);
  for (const source of sources.filter((path) => path.endsWith("-process.ts"))) {
    const name = basename(source).replace(/\.ts$/, ".js");
    if (!code.includes(JSON.stringify(name))) continue;
    const text = readFileSync(join(ROOT, "actions", source), "utf8");
    writeFileSync(join(dist, name), transformSync(text, { loader: "ts", format: "esm", target: "node24" }).code);
  }
}
