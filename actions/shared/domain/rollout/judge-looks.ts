import { checkExposure } from "./exposure.ts";
import type { Look } from "./journal-entry.ts";
import { forgetProof, type Judge, type JudgePolicy, newJudge, observe, type Verdict, verdictOf } from "./judge.ts";
import { nextStep, type Rollout, type Step } from "./rollout.ts";
import type { TrafficPlan } from "./traffic-plan.ts";

/** What was seen at a look, before anything is concluded from it. */
export type Seen = Omit<Look, "verdict" | "next" | "evidence">;

/**
 * The judge of a phase before its first look: while baking there is no stable traffic to compare with. What the candidate cost users
 * in the phase before is not forgotten.
 */
export function judgeOf(plan: TrafficPlan, phase: Look["phase"], before?: Judge): Judge {
  const policy: JudgePolicy = phase === "baking" ? { ...plan.judge, against: "ceiling" } : plan.judge;
  return newJudge(policy, before?.failed);
}

export type Judged = {
  readonly judge: Judge;
  readonly verdict: Verdict;
  readonly step: Step;
  readonly look: Look;
};

/** What a look comes to. The one way from counts to a decision: of a running rollout, of one that is resumed, and of a replay. */
export function judgeLook(before: Judge, seen: Seen, plan: TrafficPlan): Judged {
  const judge = observe(seen.restarted ? forgetProof(before) : before, seen.counts);
  const verdict = verdictOf(judge);
  const step = nextStep(rolloutAt(seen), verdict, plan.rollout);
  const evidence = Object.fromEntries(
    [...verdict.series, ...verdict.watched].map(({ name, fail, pass, ceiling }) => [name, { fail, pass, ceiling }]),
  );
  return { judge, verdict, step, look: { ...seen, verdict: verdict.state, next: step.do, evidence } };
}

/** The judge after looks that were taken before, for a rollout that goes on. */
export function judgeAfter(plan: TrafficPlan, phase: Look["phase"], looks: readonly Look[]): Judge {
  const last = judgeAgain(plan, looks).at(-1);
  return last?.look.phase === phase ? last.judge : judgeOf(plan, phase, last?.judge);
}

/** Each look judged again from its raw counts. */
export function judgeAgain(plan: TrafficPlan, looks: readonly Look[]): readonly Judged[] {
  const judged: Judged[] = [];
  for (const look of looks) {
    const before = judged.at(-1);
    const judge = before?.look.phase === look.phase ? before.judge : judgeOf(plan, look.phase, before?.judge);
    judged.push(judgeLook(judge, look, plan));
  }
  return judged;
}

function rolloutAt({ phase, step, waitedMs, share, exposure }: Seen): Rollout {
  return { phase, step, waitedMs, requests: exposure.candidate, exposure: checkExposure(share, exposure) };
}
