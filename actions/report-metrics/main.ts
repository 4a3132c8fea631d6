import { formatRule } from "../shared/domain/gate/rule.ts";
import { outlivesJob } from "../shared/lib/outlives-job.ts";
import type { Posted } from "../shared/ports/forge.ts";
import { judge } from "./judge.ts";
import type { Outcome, Posting } from "./outcome.ts";
import { conclusionOf, type Message, messagesOf, pullRequestOf } from "./post.ts";
import type { Ports, ReportStep } from "./step.ts";

/** Reads gate, metrics and champion, judges, and tells: the record, the summary, the check run and the comment. */
export async function main(step: ReportStep, ports: Ports): Promise<Outcome> {
  const { inputs, job, state } = step;
  const judged = await judge(step, ports);
  const { story, gate, rules, subject } = judged;
  const messages = messagesOf(step, ports, { subject, story, conclusion: conclusionOf(gate) });
  const rehearsal = !outlivesJob(job, ports.store);
  if (inputs.mode === "plan") {
    const wouldPost = messages.map(({ posting }) => posting);
    if (judged.hasMetrics) return { state: "planned", story, rehearsal, gate, wouldPost };
    return { state: "planned-early", story, rehearsal, rules: rules.map(formatRule), wouldPost };
  }
  state.save({ doing: "posting", verdict: gate.verdict, places: messages.map(({ posting }) => posting.place) });
  const posted = await postAll(step, messages);
  return { state: "judged", story, rehearsal, gate, posted, isFork: pullRequestOf(job)?.isFork ?? false };
}

/** One after another: GitHub asks for it, and a limit that is met is not met twice. */
async function postAll(
  { log }: ReportStep,
  messages: readonly Message[],
): Promise<readonly (Posting & { readonly result: Posted })[]> {
  const posted: (Posting & { readonly result: Posted })[] = [];
  for (const { posting, send } of messages) {
    const result = await send();
    posted.push({ ...posting, result });
    if (result.state === "posted")
      log.info(`${result.how === "created" ? "Wrote" : "Updated"} ${posting.place}: ${result.url}`);
    else log.warn(`Could not write ${posting.place}: ${result.reason}`);
  }
  return posted;
}
