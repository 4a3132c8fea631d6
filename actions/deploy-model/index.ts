import "../shared/runner/signals.ts";
import { run } from "../shared/runner/run.ts";
import { checkInputs } from "./check-inputs.ts";
import { manifest } from "./inputs.ts";
import { report } from "./report.ts";

await run({
  manifest,
  check: checkInputs,
  connect: async (step) => (await import("./connect.ts")).connect(step),
  // behind the input check: what the story needs is not loaded for an input that is wrong
  main: async (step, ports) => (await import("./main.ts")).main(step, ports),
  report,
  cancel: async (step, ports) => (await import("./cancel.ts")).cancel(step, ports),
});
