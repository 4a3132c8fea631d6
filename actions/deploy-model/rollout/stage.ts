import type { Problem } from "../../shared/domain/problem.ts";
import { type Duel, formatDuel, stepAfterDuel } from "../../shared/domain/rollout/duel.ts";
import type { JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";
import type { Payload } from "../../shared/domain/rollout/payload.ts";
import type { Reason } from "../../shared/domain/rollout/reason.ts";
import { isReleaseError } from "../../shared/lib/error.ts";
import type { Served } from "../../shared/ports/serving.ts";
import type { Target } from "../../shared/ports/target.ts";
import { modelNames } from "../smoke/model-names.ts";
import { smokeTest } from "../smoke/smoke-test.ts";
import type { DeployStep } from "../step.ts";
import { playDuel } from "./duel.ts";
import { warmUp } from "./warm-up.ts";

export type Staged = {
  /** Why the candidate may get no traffic at all. */
  readonly stopped: { readonly do: "rollback" | "hold"; readonly reasons: readonly Reason[] } | undefined;
  /** What the payloads came to on both versions; absent where there was nothing to compare. */
  readonly duel?: Duel;
  readonly imageExecuted: boolean;
  /** It was not up already. */
  readonly startedCandidate: boolean;
};

/** Stable and candidate up, the candidate asked directly, both warm: everything that comes before the first request of the traffic. */
export async function bringUp(
  step: DeployStep,
  { serving }: Target,
  { entry, payloads }: { readonly entry: JournalEntry; readonly payloads: readonly Payload[] },
): Promise<Staged> {
  const { log } = step;
  const before = await serving.current();
  const startedCandidate = before.candidate === undefined || before.candidate.ended !== undefined;
  const stable = entry.stable === undefined ? undefined : await serving.apply("stable", entry.stable);
  const candidate = await tried(() => serving.apply("candidate", entry.candidate));
  if ("failure" in candidate) return { stopped: failed(candidate.failure), imageExecuted: false, startedCandidate };
  const imageExecuted = candidate.served.runs.as !== "process";
  if (hasNoPods(candidate.served)) {
    log.warn(
      `${entry.candidate.version} has no pod before its first share: no smoke test, no warm-up, no comparison before it; the first looks decide`,
    );
    return { stopped: undefined, imageExecuted, startedCandidate };
  }
  const names = modelNames(step.inputs.target, entry.candidate);
  const smoked = await smokeTest(candidate.served, { payloads, wanted: step.inputs.smoke, names });
  if (smoked.state === "failed")
    return { stopped: failed(`its smoke test failed: ${smoked.what}`), imageExecuted, startedCandidate };
  log.info(`smoke test of ${entry.candidate.version} passed: ${smoked.said}`);
  const { inferPath } = smoked.speech;
  const warmed = await Promise.all(
    [candidate.served, ...(stable === undefined ? [] : [stable])].map((served) => warmUp(served, payloads, inferPath)),
  );
  log.info(`warmed up with ${warmed.join(" and ")} requests`);
  if (stable === undefined) return { stopped: undefined, imageExecuted, startedCandidate };
  return {
    ...(await duelBefore(step, { entry, payloads, inferPath, stable, candidate: candidate.served })),
    imageExecuted,
    startedCandidate,
  };
}

type Duelling = {
  readonly entry: JournalEntry;
  readonly payloads: readonly Payload[];
  readonly inferPath: string | undefined;
  readonly stable: Served;
  readonly candidate: Served;
};

/** The duel comes before the first request of the traffic; a rollout that goes on has had it. */
async function duelBefore(
  step: DeployStep,
  { entry, payloads, inferPath, ...arms }: Duelling,
): Promise<Pick<Staged, "stopped" | "duel">> {
  if (entry.phase !== "staging") return { stopped: undefined };
  const isAskable = payloads.length > 0 && inferPath !== undefined;
  const duel = isAskable ? await playDuel(step, arms, { payloads, inferPath }) : undefined;
  if (duel !== undefined) step.log.info(formatDuel(duel));
  const stopped = stepAfterDuel(duel, entry.plan.duel ?? {}, entry.plan.rollout.onNoData);
  return { stopped, ...(duel === undefined ? {} : { duel }) };
}

/** A target that makes a candidate's pods with its first share. */
function hasNoPods({ runs }: Served): boolean {
  return runs.as === "pods" && runs.wanted === 0;
}

function failed(what: string): Staged["stopped"] {
  return { do: "rollback", reasons: [{ why: "smoke", what }] };
}

/** A version that does not come up is an outcome of its rollout. */
export async function tried(
  act: () => Promise<Served>,
): Promise<{ readonly served: Served } | { readonly failure: string }> {
  try {
    return { served: await act() };
  } catch (error) {
    if (!isReleaseError(error, "COMMAND", "TIMEOUT")) throw error;
    return { failure: error.problems.map(said).join("; ") };
  }
}

/** What failed, and the last that the program said about it. */
function said({ rule, saw, hint }: Problem): string {
  const last = hint?.startsWith("it said:") ? hint.trimEnd().split("\n").at(-1) : undefined;
  return [rule, saw, last].filter((part) => part !== undefined).join(": ");
}
