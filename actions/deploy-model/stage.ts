import type { Problem } from "../shared/domain/problem.ts";
import type { JournalEntry } from "../shared/domain/rollout/journal-entry.ts";
import type { Payload } from "../shared/domain/rollout/payload.ts";
import { isReleaseError } from "../shared/lib/error.ts";
import type { Served } from "../shared/ports/serving.ts";
import type { Target } from "../shared/ports/target.ts";
import { smokeTest } from "./smoke.ts";
import type { DeployStep } from "./step.ts";
import { warmUp } from "./warm-up.ts";

export type Staged = {
  /** Why the candidate may get no traffic at all. */
  readonly failure: string | undefined;
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
  if ("failure" in candidate) return { failure: candidate.failure, imageExecuted: false, startedCandidate };
  const imageExecuted = candidate.served.runs.as !== "process";
  const failure = await smokeTest(candidate.served, payloads);
  if (failure !== undefined) return { failure: `its smoke test failed: ${failure}`, imageExecuted, startedCandidate };
  log.info(`smoke test of ${entry.candidate.version} passed`);
  const warmed = await Promise.all(
    [candidate.served, ...(stable === undefined ? [] : [stable])].map((served) => warmUp(served, payloads)),
  );
  log.info(`warmed up with ${warmed.join(" and ")} requests`);
  return { failure: undefined, imageExecuted, startedCandidate };
}

/** A version that does not come up is an outcome of its rollout. */
async function tried(act: () => Promise<Served>): Promise<{ readonly served: Served } | { readonly failure: string }> {
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
