import type { Exposure } from "./exposure.ts";
import type { Verdict } from "./judge.ts";
import type { Reason } from "./reason.ts";

export type RolloutPolicy = {
  /** The candidate's share of the traffic step by step, rising, each above 0; `[1]` where there is no stable version. */
  readonly shares: readonly number[];
  readonly lookMs: number;
  /** How long a step lasts where nothing is proved sooner. */
  readonly stepMs: number;
  /** How long a step may be drawn out until there are enough requests or, in the last one, proof. */
  readonly maxStepMs: number;
  /** How long the promoted version is watched while the former one still runs. */
  readonly bakeMs: number;
  /** Requests that the candidate must have been sent in each step. */
  readonly minRequests: number;
  readonly onNoData: "hold" | "rollback";
  readonly onInconclusive: "hold" | "rollback";
};

/** Where a rollout stands. */
export type Rollout = {
  readonly phase: "canary" | "baking";
  /** Index into the policy's shares. */
  readonly step: number;
  /** Since the step, or the bake, began. */
  readonly waitedMs: number;
  /** Requests that the candidate was sent in this step. */
  readonly requests: number;
  readonly exposure: Exposure;
};

export type Step =
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "shift"; readonly step: number; readonly share: number }
  /** Everything to the candidate; the bake begins. */
  | { readonly do: "promote" }
  /** The bake is over: the candidate is the new stable. */
  | { readonly do: "finish" }
  | { readonly do: "rollback"; readonly reasons: readonly Reason[] }
  | { readonly do: "hold"; readonly reasons: readonly Reason[] };

/** What comes next. Only proof on every series promotes; whatever is missing waits, and then does what was declared. */
export function nextStep(rollout: Rollout, verdict: Verdict, policy: RolloutPolicy): Step {
  if (verdict.state === "fail") return { do: "rollback", reasons: verdict.reasons };
  if (rollout.exposure.state === "breached")
    return { do: "hold", reasons: [{ why: "exposure", exposure: rollout.exposure }] };
  return rollout.phase === "canary" ? nextOfCanary(rollout, verdict, policy) : nextOfBake(rollout, verdict, policy);
}

/** A bake in which nothing was seen is none: it is drawn out, and then does what was declared. */
function nextOfBake({ waitedMs }: Rollout, verdict: Verdict, policy: RolloutPolicy): Step {
  if (waitedMs < policy.bakeMs) return { do: "wait", ms: policy.lookMs };
  if (verdict.state !== "no-data") return { do: "finish" };
  if (waitedMs < policy.maxStepMs) return { do: "wait", ms: policy.lookMs };
  return { do: policy.onNoData, reasons: verdict.reasons };
}

function nextOfCanary(rollout: Rollout, verdict: Verdict, policy: RolloutPolicy): Step {
  const { waitedMs } = rollout;
  const wait: Step = { do: "wait", ms: policy.lookMs };
  const hasEnough = rollout.requests >= policy.minRequests;
  const next = rollout.step + 1;
  const share = policy.shares[next];
  const onward: Step = share === undefined ? { do: "promote" } : { do: "shift", step: next, share };
  if (verdict.state === "pass" && hasEnough) return onward;
  const isLate = waitedMs >= policy.maxStepMs;
  // An incident of the platform says nothing of the candidate, and no share is raised in the middle of one.
  if (verdict.state === "inconclusive") return isLate ? { do: "hold", reasons: verdict.reasons } : wait;
  if (!hasEnough || verdict.state === "no-data") {
    if (!isLate) return wait;
    const few: Reason = { why: "few-requests", seen: rollout.requests, needed: policy.minRequests, waitedMs };
    return { do: policy.onNoData, reasons: verdict.state === "no-data" ? verdict.reasons : [few] };
  }
  if (waitedMs < policy.stepMs) return wait;
  if (share !== undefined) return onward;
  if (!isLate) return wait;
  const unproved = verdict.series.filter((one) => one.proof === undefined).map((one) => one.name);
  return { do: policy.onInconclusive, reasons: [{ why: "undecided", series: unproved, waitedMs }] };
}
