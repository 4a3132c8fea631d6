import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type DemoEngine, findEngine } from "./demo/engine.ts";
import { demoFolders } from "./demo/folders.ts";
import { makeProject, RELEASES } from "./demo/project.ts";
import { type Released, release } from "./demo/release.ts";
import { askWhatServes, endServing, formatServing } from "./demo/serving.ts";
import { formatReleases, unexpected } from "./demo/table.ts";

// Three releases of examples/digits, each by the steps of workflows/release.yml, as a runner would run them.
// --engine none|auto  whether the servers may run in containers
// --home FOLDER       where everything is kept
// --remove            removes that folder, and ends what still serves
const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "auto" },
    home: { type: "string" },
    remove: { type: "boolean", default: false },
  },
});

const share = process.env.XDG_DATA_HOME || join(homedir(), ".local", "share");
const root = resolve(values.home ?? join(share, "ml-release-demo"));
process.exitCode = values.remove ? await remove() : await demo(values.engine);

async function demo(wanted: string): Promise<number> {
  if (wanted !== "none" && wanted !== "auto") throw new Error(`--engine is none or auto (saw ${wanted})`);
  console.log(`Everything is kept below ${root}; \`make demo ARGS=--remove\` removes it.`);
  const engine: DemoEngine = wanted === "none" ? { state: "none", why: "none is wanted" } : await findEngine(root);
  console.log(
    engine.state === "none"
      ? `Servers run as processes, images are not executed: ${engine.why}.`
      : `Servers run in ${engine.name}, from their images.`,
  );
  const at = demoFolders(root, engine.state);
  const project = await makeProject(at);
  const released: Released[] = [];
  for (const { tag } of RELEASES) released.push(await release(at, { project, engine, tag }));
  console.log(`\n${formatReleases(released)}\n`);
  const serving = await askWhatServes(released);
  console.log(formatServing(serving));
  console.log(`Reports: ${join(at.home, "reports")}. Logs of the steps: ${at.jobs}.`);
  const wrong = unexpected({ released, engine, serving });
  for (const sentence of wrong) console.error(`Not as it should be: ${sentence}`);
  return wrong.length === 0 ? 0 : 1;
}

async function remove(): Promise<number> {
  for (const at of [demoFolders(root, "none"), demoFolders(root, "found")]) {
    if (existsSync(at.home)) await endServing(at);
  }
  await rm(root, { recursive: true, force: true });
  console.log(`Removed ${root}.`);
  return 0;
}
