import { appendFile } from "node:fs/promises";
import type { Report } from "../domain/report.ts";
import { renderSummary } from "../render/summary.ts";
import type { Action, Declarations } from "./action.ts";
import { cancelAct } from "./cancel-act.ts";
import { asReleaseError } from "./describe-error.ts";
import { prepareStep, type Reached } from "./prepare-step.ts";
import { interruption } from "./signals.ts";
import type { World } from "./world.ts";

/** GitHub gives all post steps of a cancelled job five minutes. */
const CANCEL_MS = 60_000;

/**
 * The post phase: the net. Where the main phase ended without a conclusion (killed, or its cancel failed), the cancel is done again. Its job is
 * over: whatever happens here is told, and fails nothing.
 */
export async function runPost<D extends Declarations, Ports extends object, Outcome>(
  action: Action<D, Ports, Outcome>,
  world: World,
): Promise<0> {
  if (world.state.progress() === "concluded") {
    world.log.debug("The step had concluded: nothing was left to do.");
    return 0;
  }
  if (world.state.last() === undefined) {
    world.log.info("The step was ended before it had begun anything outside of this job: nothing was left to do.");
    return 0;
  }
  await tell(world, await redoCancel(action, world));
  return 0;
}

async function redoCancel<D extends Declarations, Ports extends object, Outcome>(
  action: Action<D, Ports, Outcome>,
  world: World,
): Promise<Report> {
  const reached: Reached<D, Ports> = {};
  const stop = new AbortController();
  void interruption.then((name) => stop.abort(new Error(name)));
  try {
    await prepareStep(action, world, { reached, signal: stop.signal });
    const result = await cancelAct(action, reached, CANCEL_MS);
    if (result.state === "failed") return failed(action.manifest.name, result.error);
    const said = result.state === "done" ? result.said : [];
    return {
      tone: "undone",
      headline: `${action.manifest.name} had ended without a conclusion`,
      lead: said.length === 0 ? ["There was nothing to undo."] : said,
      sections: [],
      findings: [],
    };
  } catch (error) {
    return failed(action.manifest.name, error);
  }
}

function failed(name: string, error: unknown): Report {
  return {
    tone: "bad",
    headline: `${name} had ended without a conclusion, and what it had begun could not be undone`,
    lead: [asReleaseError(error).message, "Look at the far end yourself, or run the step again."],
    sections: [],
    findings: [],
  };
}

async function tell({ log, masks, env, onGitHub }: World, report: Report): Promise<void> {
  const { plainText } = await import("../render/plain.ts");
  const lines = [report.headline, ...report.lead].map(plainText);
  for (const line of lines) report.tone === "bad" ? log.warn(line) : log.info(line);
  if (onGitHub && env.GITHUB_STEP_SUMMARY)
    await appendFile(env.GITHUB_STEP_SUMMARY, renderSummary(masks.hideIn(report)));
}
