import { shortDigest } from "../../shared/domain/digest.ts";
import { formatMetricName } from "../../shared/domain/metric.ts";
import { formatDuration } from "../../shared/domain/quantity.ts";
import { code, type Text, text } from "../../shared/domain/report.ts";
import type { Ended } from "../outcome.ts";
import { formatValue } from "./metrics.ts";
import { runLink } from "./run-link.ts";

export function headlineOf({ run, pipeline, decision, metrics, tasks, reason, wasOver, release }: Ended): Text {
  const name = `${pipeline.name} ${pipeline.version}`;
  if (run.state !== "succeeded") return failureOf({ run, pipeline, reason });
  const whole = metrics.filter(({ slice }) => slice === undefined);
  // what was measured on known data says more than what a search reports of itself
  const first = whole.find(({ dataset }) => dataset !== undefined) ?? whole[0];
  const number = first === undefined ? "" : `: ${formatMetricName({ name: first.name })} ${formatValue(first.value)}`;
  if (wasOver && release === undefined) return text`${name} was run before, its run is adopted${number}`;
  const kept = tasks.filter(({ cached }) => cached).length;
  const resumed = decision.do === "retry" ? `, ${kept} of ${tasks.length} tasks kept from before` : "";
  return text`${name} succeeded${durationOf(run)}${resumed}${number}`;
}

/** What became of a run that did not succeed, in a sentence. */
export function failureOf({ run, pipeline, reason }: Pick<Ended, "run" | "pipeline" | "reason">): string {
  return `${pipeline.name} ${pipeline.version} ${run.state}: ${reason ?? "the engine does not say why"}`;
}

export function leadOf(outcome: Ended): readonly Text[] {
  const { run, decision, environment, retries, advice } = outcome;
  const what = { submit: "was started", retry: "was tried again", adopt: "was adopted" }[decision.do];
  const again = retries === 0 ? "" : ` It was tried again ${retries} times.`;
  const gpus = run.gpus.map(({ name, count }) => `${count} x ${name}`).join(", ") || "no GPU";
  const machine = environment?.cpu === undefined ? "" : `, ${environment.cpu.count} CPUs, ${gpus}`;
  const first = text`Run ${runLink(run)} (attempt ${run.attempt}${machine}) ${what}: ${decision.why}.${again}`;
  if (run.state === "succeeded") return [first, ...howItEnded(outcome), ...modelLead(run), ...imageLead(outcome)];
  if (advice !== undefined) return [first, "It was ended: nothing of it runs any more.", advice];
  return [first, text`Next: mend the cause and run the step again. Tasks that have finished are not run again.`];
}

/** An engine says more than that it succeeded where success is not always the same: a search that reached its goal, or ran out of trials. */
function howItEnded({ reason }: Ended): readonly Text[] {
  return reason === undefined ? [] : [text`How it ended: ${reason}.`];
}

function durationOf({ startedAt, finishedAt }: Ended["run"]): string {
  if (startedAt === undefined || finishedAt === undefined) return "";
  return ` after ${formatDuration(Date.parse(finishedAt) - Date.parse(startedAt))}`;
}

function modelLead({ model }: Ended["run"]): readonly Text[] {
  if (model === undefined) return [];
  const known = model.digest === undefined ? model.uri : shortDigest(model.digest);
  return [text`The model is ${code(`${model.task}.${model.output}`)}, ${code(known)}.`];
}

function imageLead({ ranImages }: Ended): readonly Text[] {
  if (ranImages) return [];
  return ["The local engine runs tasks in a Python environment of its own: their images were not executed."];
}
