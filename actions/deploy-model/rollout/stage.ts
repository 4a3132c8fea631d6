import type { Problem } from "../../shared/domain/problem.ts";
import { type Duel, formatDuel, stepAfterDuel } from "../../shared/domain/rollout/duel.ts";
import type { JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";
import type { Payload } from "../../shared/domain/rollout/payload.ts";
import type { Reason } from "../../shared/domain/rollout/reason.ts";
import { isReleaseError } from "../../shared/lib/error.ts";
import type { Served } from "../../shared/ports/serving.ts";
import type { Target } from "../../shared/ports/target.ts";
import { modelNames } from "../smoke/model-names.ts";
import { type Smoked, smokeTest } from "../smoke/smoke-test.ts";
import type { DeployStep } from "../step.ts";
import { playDuel } from "./duel.ts";
import { roomOf } from "./room-of.ts";
import { warmUp } from "./warm-up.ts";

export type Staged = {
  /** Why the candidate may get no traffic at all. */
  readonly stopped: { readonly do: "rollback" | "hold"; readonly reasons: readonly Reason[] } | undefined;
  /** What the payloads came to on both versions; absent where there was nothing to compare. */
  readonly duel?: Duel;
  /** It comes with its first share: nobody has asked it anything yet. */
  readonly isUnmet?: true;
  readonly imageExecuted: boolean;
  /** It was not up already. */
  readonly startedCandidate: boolean;
};

/** What is brought up, and what it is asked. */
export type Staging = { readonly entry: JournalEntry; readonly payloads: readonly Payload[] };

/** Stable and candidate up, the candidate asked directly, both warm: everything that comes before the first request of the traffic. */
export async function bringUp(step: DeployStep, { serving }: Target, staging: Staging): Promise<Staged> {
  const { entry } = staging;
  const { log } = step;
  const before = await serving.current();
  const startedCandidate = before.candidate === undefined || before.candidate.ended !== undefined;
  const stable = entry.stable === undefined ? undefined : await serving.apply("stable", entry.stable);
  const candidate = await tried(() => serving.apply("candidate", entry.candidate, roomOf(entry)));
  if ("failure" in candidate) return { stopped: failed(candidate.failure), imageExecuted: false, startedCandidate };
  const imageExecuted = candidate.served.runs.as !== "process";
  if (candidate.served.comesWithShare !== undefined) {
    log.warn(
      `nothing of ${entry.candidate.version} is up before its first share: users meet it while it is smoke-tested`,
    );
    return { stopped: undefined, isUnmet: true, imageExecuted, startedCandidate };
  }
  const smoked = await smoke(step, candidate.served, staging);
  if (smoked.state === "failed") return { stopped: failed(smoked.what), imageExecuted, startedCandidate };
  const arms = { candidate: candidate.served, ...(stable === undefined ? {} : { stable }) };
  return { ...(await acquaint(step, staging, { smoked, ...arms })), imageExecuted, startedCandidate };
}

/** The smoke test of a candidate, whatever its share. */
export async function smoke(step: DeployStep, served: Served, { entry, payloads }: Staging): Promise<Smoked> {
  const names = modelNames(step.inputs.target, entry.candidate);
  const smoked = await smokeTest(served, { payloads, wanted: step.inputs.smoke, names });
  if (smoked.state === "failed") return { ...smoked, what: `its smoke test failed: ${smoked.what}` };
  step.log.info(`smoke test of ${entry.candidate.version} passed: ${smoked.said}`);
  return smoked;
}

type Acquainted = {
  readonly smoked: Extract<Smoked, { state: "passed" }>;
  readonly candidate: Served;
  readonly stable?: Served | undefined;
};

/** Both versions warm, and compared on the same payloads: before anything that users are answered is counted. */
export async function acquaint(
  step: DeployStep,
  { entry, payloads }: Staging,
  { smoked, candidate, stable }: Acquainted,
): Promise<Pick<Staged, "stopped" | "duel">> {
  const { inferPath } = smoked.speech;
  const warmed = await Promise.all(
    [candidate, ...(stable === undefined ? [] : [stable])].map((served) => warmUp(served, payloads, inferPath)),
  );
  step.log.info(`warmed up with ${warmed.join(" and ")} requests`);
  if (stable === undefined) return { stopped: undefined };
  return duelBefore(step, { entry, payloads, inferPath, stable, candidate });
}

type Duelling = Staging & {
  readonly inferPath: string | undefined;
  readonly stable: Served;
  readonly candidate: Served;
};

/** The duel comes before the first look; a rollout that goes on has had it. */
async function duelBefore(
  step: DeployStep,
  { entry, payloads, inferPath, ...arms }: Duelling,
): Promise<Pick<Staged, "stopped" | "duel">> {
  if (entry.duel !== undefined || entry.looks.length > 0) return { stopped: undefined };
  const isAskable = payloads.length > 0 && inferPath !== undefined;
  const duel = isAskable ? await playDuel(step, arms, { payloads, inferPath }) : undefined;
  if (duel !== undefined) step.log.info(formatDuel(duel));
  const stopped = stepAfterDuel(duel, entry.plan.duel ?? {}, entry.plan.rollout.onNoData);
  return { stopped, ...(duel === undefined ? {} : { duel }) };
}

export function failed(what: string): Staged["stopped"] {
  return { do: "rollback", reasons: [{ why: "smoke", what }] };
}

/** A version that does not come up is an outcome of its rollout. */
export async function tried<T>(act: () => Promise<T>): Promise<{ readonly served: T } | { readonly failure: string }> {
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
