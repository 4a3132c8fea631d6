import type { ArgoAct, ArgoGoal, ArgoMemory } from "../../domain/serving/argo-act.ts";
import { nextArgoAct } from "../../domain/serving/next-argo-act.ts";
import { ReleaseError } from "../../lib/error.ts";
import { explainAnalyses } from "./analysis-runs.ts";
import { followRollout } from "./follow-rollout.ts";
import type { RolloutPlace } from "./place.ts";
import type { Seen } from "./read-objects.ts";
import { formatAct, writeAct } from "./write-act.ts";

export type Carrying = {
  readonly goal: ArgoGoal;
  /** How long the controller may stay where it is; default: as long as pods may take to be ready. */
  readonly patienceMs?: number;
  /** Called once, as soon as the first pod of the candidate is ready. */
  readonly greet?: (seen: Seen) => Promise<void>;
};

const LOOK_MS = 1_000;

/**
 * Reads, decides and does one thing, until nothing is left to do; gives the Rollout as it then is. An API server that is away for a moment is
 * waited for: whether a write whose answer was lost was carried out is what is read next.
 */
export async function carryOut(place: RolloutPlace, { goal, patienceMs, greet }: Carrying): Promise<Seen> {
  const { clock, log, name, drainMs, lookMs = LOOK_MS } = place;
  const raises = isRaising(goal);
  // What lowers an exposure goes on where a signal ends everything else.
  const signal = raises ? place.signal : undefined;
  const follower = followRollout(place, { lookMs, patienceMs: patienceMs ?? place.readyTimeoutMs, signal });
  let memory: ArgoMemory = { isDrained: false, abortedForMs: 0 };
  let abortedAtMs: number | undefined;
  let hasMoved = false;
  let isGreeted = greet === undefined;

  for (;;) {
    const seen = await follower.read();
    if (raises) signal?.throwIfAborted();
    if (seen.rollout.position.at === "aborted") abortedAtMs ??= clock.now();
    memory = { ...memory, abortedForMs: abortedAtMs === undefined ? 0 : clock.now() - abortedAtMs };
    const act = nextArgoAct(goal, seen.rollout, memory);
    const isDone = await follower.outlast(async () => {
      await meet(seen);
      return doOne(seen, act);
    });
    if (isDone) return seen;
  }

  async function meet(seen: Seen): Promise<void> {
    if (isGreeted || !(await follower.hasReadyPod(seen))) return;
    await greet?.(seen);
    isGreeted = true;
  }

  /** Whether nothing is left to do. */
  async function doOne(seen: Seen, act: ArgoAct): Promise<boolean> {
    switch (act.do) {
      case "done":
        if (!raises || !hasMoved || (await follower.isSteady(seen))) return true;
        await clock.sleep(lookMs, signal);
        return false;
      case "fail": {
        const analyses = await explainAnalyses(place, seen.rollout);
        const saw = [act.problem.saw, analyses].filter((part) => part !== undefined).join("; ");
        throw new ReleaseError(act.code, { ...act.problem, ...(saw === "" ? {} : { saw }) });
      }
      case "wait":
        await follower.lookAtPods(seen, raises ? "candidate" : "former");
        follower.checkPatience(seen, act.for);
        hasMoved = true;
        await clock.sleep(lookMs, signal);
        return false;
      case "drain":
        await clock.sleep(drainMs);
        log.info(`waited ${Math.round(drainMs / 1_000)} s for requests under way`);
        memory = { ...memory, isDrained: true };
        return false;
      case "write": {
        const { change } = act;
        hasMoved = true;
        const state = await writeAct(place, seen, change);
        if (state === "done") log.info(`Rollout ${name}: ${formatAct(change)}`);
        else log.debug(`Rollout ${name}: ${change.do} was not carried out, it is ${state} since it was read`);
        return false;
      }
    }
  }
}

function isRaising(goal: ArgoGoal): boolean {
  return goal.goal !== "remove" && !(goal.goal === "share" && goal.share === 0);
}
