import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type DemoEngine, findEngine } from "./demo/engine.ts";
import { type DemoFolders, demoFolders, removeDemo } from "./demo/folders.ts";
import { makeProject, RELEASES } from "./demo/project.ts";
import { type Released, release } from "./demo/release.ts";
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
const folders = demoFolders(resolve(values.home ?? join(share, "ml-release-demo")));
process.exitCode = values.remove ? await removeDemo(folders) : await demo(folders, values.engine);

async function demo(at: DemoFolders, wanted: string): Promise<number> {
  if (wanted !== "none" && wanted !== "auto") throw new Error(`--engine is none or auto (saw ${wanted})`);
  console.log(`Everything is kept below ${at.root}; \`make demo ARGS=--remove\` removes it.`);
  const engine: DemoEngine = wanted === "none" ? { state: "none" } : await findEngine(at);
  console.log(
    engine.state === "none" ? "No container engine: servers run as processes." : `Servers run in ${engine.name}.`,
  );
  const project = await makeProject(at);
  const released: Released[] = [];
  for (const { tag } of RELEASES) released.push(await release(at, { project, engine, tag }));
  console.log(`\n${formatReleases(released)}`);
  const wrong = unexpected(released, engine);
  for (const sentence of wrong) console.error(`Not as it should be: ${sentence}`);
  return wrong.length === 0 ? 0 : 1;
}
