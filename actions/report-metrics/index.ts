import "../shared/runner/signals.ts";
import { run } from "../shared/runner/run.ts";
import { manifest } from "./inputs.ts";
import { main } from "./main.ts";
import { report } from "./report.ts";

await run({
  manifest,
  connect: async (step) => (await import("./connect.ts")).connect(step),
  main,
  report,
});
