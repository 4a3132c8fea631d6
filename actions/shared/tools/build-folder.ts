import { execFile } from "node:child_process";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

type Lock = { readonly packages: Readonly<Record<string, { readonly dev?: true; readonly optional?: true }>> };

/**
 * Fills a new folder with what tsc emits for the sources and with the packages that run.
 *
 * Nothing in it points outside, so that ncc gives the same bytes wherever the clone lies: packages are copied, not linked.
 */
export async function fillBuildFolder(root: string, folder: string): Promise<void> {
  const tsc = join(root, "node_modules", ".bin", "tsc");
  await Promise.all([
    run(tsc, ["--project", join(root, "tsconfig.build.json"), "--outDir", folder]),
    cp(join(root, "package.json"), join(folder, "package.json")),
    copyPackages(root, folder),
  ]);
  await Promise.all(effectFree.map((name) => declareEffectFree(join(folder, "node_modules", name, "package.json"))));
}

/**
 * Packages whose modules do nothing when they are imported, and do not say so: what an action does not use of them is left out.
 * `@actions/core` brings an HTTP client for OIDC tokens along, without which an action starts 50 ms sooner; `@kubernetes/client-node` every kind of
 * object there is, 3.6 MB of it.
 */
const effectFree = ["@actions/core", "@kubernetes/client-node"];

async function declareEffectFree(path: string): Promise<void> {
  const manifest = JSON.parse(await readFile(path, "utf8")) as Readonly<Record<string, unknown>>;
  await writeFile(path, JSON.stringify({ ...manifest, sideEffects: false }));
}

async function copyPackages(root: string, folder: string): Promise<void> {
  const lock = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as Lock;
  const running = Object.entries(lock.packages).filter(([path, entry]) => path !== "" && !entry.dev && !entry.optional);
  const outermost = running.map(([path]) => path).filter((path) => !path.includes("/node_modules/"));
  const paths = [...outermost, "node_modules/@vercel/ncc"];
  await Promise.all(
    paths.map((path) => cp(join(root, path), join(folder, path), { recursive: true, dereference: true })),
  );
}
