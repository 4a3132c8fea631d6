import { cp, glob, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fillBuildFolder } from "./build-folder.ts";
import { addPost, bundleProgram } from "./bundle-program.ts";
import { differences, folderContents } from "./folder-contents.ts";
import { copyProcessFiles } from "./process-files.ts";
import { copyRuntimeFiles } from "./runtime-files.ts";

// Builds actions/<action>/dist of every action, and that of the command line, byte for byte the same from any clone of the same commit.
// With --check nothing is written: a dist/ that is not what would be built is named, and the exit code is 1.

/** A program of its own below actions/. */
const COMMAND_LINE = "shared/cli";

const root = join(import.meta.dirname, "../../..");
const build = await mkdtemp(join(await realpath(tmpdir()), "ml-release-build-"));
try {
  await fillBuildFolder(root, build);
  const actions = (await Array.fromAsync(glob("*/index.ts", { cwd: join(root, "actions") }))).map(dirname).sort();
  if (actions.length === 0) throw new Error("no folder of actions/ has an index.ts");
  const programs = [...actions, COMMAND_LINE];
  await bundleInPairs(build, programs);
  for (const action of actions) await addPost(build, action);
  const dists = new Map(programs.map((program) => [program, join(build, "dist", program)]));
  await copyProcessFiles(build, dists);
  await copyRuntimeFiles(root, dists);
  await checkSize(join(build, "dist"), 15_000_000);
  const finish = process.argv.includes("--check") ? compare : replace;
  for (const [program, built] of dists) await finish(join(root, "actions", program, "dist"), built);
} finally {
  await rm(build, { recursive: true });
}

/** Two at a time: one more does not end sooner on two cores. */
async function bundleInPairs(folder: string, programs: readonly string[]): Promise<void> {
  const queue = [...programs];
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await bundleProgram(folder, next);
  };
  await Promise.all([work(), work()]);
}

async function replace(committed: string, built: string): Promise<void> {
  await rm(committed, { recursive: true, force: true });
  await cp(built, committed, { recursive: true });
}

async function compare(committed: string, built: string): Promise<void> {
  const stale = await differences(committed, built);
  if (stale.length === 0) return;
  console.error(`${committed} is not what its sources build: ${stale.join(", ")}; run \`make dist\` and commit it`);
  process.exitCode = 1;
}

async function checkSize(folder: string, maxBytes: number): Promise<void> {
  const bytes = [...(await folderContents(folder)).values()].reduce((sum, file) => sum + file.length, 0);
  console.log(`all dist: ${(bytes / 1e6).toFixed(2)} MB`);
  if (bytes > maxBytes) throw new Error(`all dist is ${bytes} bytes, at most ${maxBytes} are allowed`);
}
