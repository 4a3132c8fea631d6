import { cp, glob, mkdtemp, readdir, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fillBuildFolder } from "./build-folder.ts";
import { bundleAction } from "./bundle-action.ts";
import { copyRuntimeFiles } from "./runtime-files.ts";

// Builds actions/<action>/dist of every action, byte for byte the same from any clone of the same commit.
// With --check nothing is written: a dist/ that is not what would be built is named, and the exit code is 1.

const maxBytes = 15_000_000;
const root = join(import.meta.dirname, "../../..");
const build = await mkdtemp(join(await realpath(tmpdir()), "ml-release-build-"));
try {
  await fillBuildFolder(root, build);
  const actions = (await Array.fromAsync(glob("*/index.ts", { cwd: join(root, "actions") }))).map(dirname).sort();
  if (actions.length === 0) throw new Error("no folder of actions/ has an index.ts");
  const dists = new Map(actions.map((action) => [action, join(build, "dist", action)]));
  await inPairs(actions, (action) => bundleAction(build, action));
  await copyRuntimeFiles(root, dists);
  await checkSize(join(build, "dist"));
  for (const [action, dist] of dists) {
    const committed = join(root, "actions", action, "dist");
    if (process.argv.includes("--check")) await compare(committed, dist);
    else await replace(committed, dist);
  }
} finally {
  await rm(build, { recursive: true });
}

/** Two at a time: one more does not end sooner on two cores. */
async function inPairs<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const work = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await act(item);
  };
  await Promise.all([work(), work()]);
}

async function replace(committed: string, built: string): Promise<void> {
  await rm(committed, { recursive: true, force: true });
  await cp(built, committed, { recursive: true });
}

async function compare(committed: string, built: string): Promise<void> {
  const [there, here] = await Promise.all([contents(committed), contents(built)]);
  const stale = [...new Set([...there.keys(), ...here.keys()])].filter(
    (name) => !same(there.get(name), here.get(name)),
  );
  if (stale.length === 0) return;
  console.error(
    `${committed} is not what its sources build: ${stale.sort().join(", ")}; run \`make dist\` and commit it`,
  );
  process.exitCode = 1;
}

const same = (one: Buffer | undefined, other: Buffer | undefined) =>
  one !== undefined && other !== undefined && one.equals(other);

async function contents(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(paths.map(async (path) => [path.slice(folder.length + 1), await readFile(path)] as const)),
  );
}

async function checkSize(folder: string): Promise<void> {
  const bytes = [...(await contents(folder)).values()].reduce((sum, file) => sum + file.length, 0);
  console.log(`dist of all actions: ${(bytes / 1e6).toFixed(2)} MB`);
  if (bytes > maxBytes) throw new Error(`dist of all actions is ${bytes} bytes, at most ${maxBytes} are allowed`);
}
