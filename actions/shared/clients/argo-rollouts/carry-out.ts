import type { ArgoGoal, ArgoMemory } from "../../domain/serving/argo-act.ts";
import { type ArgoRollout, formatPosition, isFormerStable } from "../../domain/serving/argo-rollout.ts";
import { nextArgoAct } from "../../domain/serving/next-argo-act.ts";
import { formatHealth, type PodHealth } from "../../domain/serving/pod-health.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { type PodGuard, podGuard } from "../kubernetes/pod-guard.ts";
import { explainAnalyses } from "./analysis-runs.ts";
import type { RolloutPlace } from "./place.ts";
import { podsLabels, readSeen, type Seen } from "./read-objects.ts";
import { formatAct, writeAct } from "./write-act.ts";

export type Carrying = {
  readonly goal: ArgoGoal;
  /** How long the controller may stay where it is; default: as long as pods may take to be ready. */
  readonly patienceMs?: number;
};

const LOOK_MS = 1_000;
const STEADY_MS = 2_000;

/** Reads, decides and does one thing, until nothing is left to do; gives the Rollout as it then is. */
export async function carryOut(place: RolloutPlace, { goal, patienceMs }: Carrying): Promise<Seen> {
  const { clock, log, name, drainMs } = place;
  const raises = isRaising(goal);
  // What lowers an exposure goes on where a signal ends everything else.
  const signal = raises ? place.signal : undefined;
  const follower = follow(place, patienceMs ?? place.readyTimeoutMs);
  let memory: ArgoMemory = { isDrained: false, abortedForMs: 0 };
  let abortedAtMs: number | undefined;
  let hasMoved = false;
  for (;;) {
    const seen = await follower.read();
    if (raises) signal?.throwIfAborted();
    if (seen.rollout.position.at === "aborted") abortedAtMs ??= clock.now();
    memory = { ...memory, abortedForMs: abortedAtMs === undefined ? 0 : clock.now() - abortedAtMs };
    const act = nextArgoAct(goal, seen.rollout, memory);
    switch (act.do) {
      case "done":
        if (!raises || !hasMoved || (await follower.isSteady(seen))) return seen;
        await clock.sleep(place.lookMs ?? LOOK_MS, signal);
        break;
      case "fail": {
        const analyses = await explainAnalyses(place, seen.rollout);
        const saw = [act.problem.saw, analyses].filter((part) => part !== undefined).join("; ");
        throw new ReleaseError(act.code, { ...act.problem, ...(saw === "" ? {} : { saw }) });
      }
      case "wait":
        await follower.lookAtPods(seen, goal);
        follower.checkPatience(seen, act.for);
        hasMoved = true;
        await clock.sleep(place.lookMs ?? LOOK_MS, signal);
        break;
      case "drain":
        await clock.sleep(drainMs);
        log.info(`waited ${Math.round(drainMs / 1_000)} s for requests under way`);
        memory = { ...memory, isDrained: true };
        break;
      case "write": {
        const { change } = act;
        const state = await writeAct(place, seen, change);
        if (state === "done") log.info(`Rollout ${name}: ${formatAct(change)}`);
        else log.debug(`Rollout ${name}: ${change.do} was not carried out, it is ${state} since it was read`);
        hasMoved = true;
      }
    }
  }
}

function isRaising(goal: ArgoGoal): boolean {
  return goal.goal !== "remove" && !(goal.goal === "share" && goal.share === 0);
}

type Follower = {
  read(): Promise<Seen>;
  /** Throws `COMMAND` where pods that come up say that they will not. */
  lookAtPods(seen: Seen, goal: ArgoGoal): Promise<void>;
  /** All pods of the newest template have been ready for a while without starting again. */
  isSteady(seen: Seen): Promise<boolean>;
  /** Throws `TIMEOUT` where it has not moved for too long. */
  checkPatience(seen: Seen, waitsFor: string): void;
};

/** What is remembered while one goal is carried out: what was told already, and since when nothing moves. */
function follow(place: RolloutPlace, patienceMs: number): Follower {
  const { clock, log, name, namespace, steadyMs = STEADY_MS } = place;
  const guard = podGuard(place.connection, place);
  const told = new Set<string>();
  let since: { readonly where: string; readonly atMs: number } | undefined;
  let steady: { readonly restarts: number; readonly sinceMs: number } | undefined;
  let words = "";

  return {
    async read() {
      for (;;) {
        try {
          const seen = await readSeen(place);
          tell(seen.rollout);
          return seen;
        } catch (error) {
          // An API server that starts again is away for seconds, and knows nobody at first.
          if (since === undefined || !isReleaseError(error, "UNAVAILABLE", "AUTH")) throw error;
          if (clock.now() - since.atMs > patienceMs) throw error;
          await clock.sleep(place.lookMs ?? LOOK_MS);
        }
      }
    },

    async lookAtPods(seen, goal) {
      const { rollout } = seen;
      if (rollout.position.at === "unseen" || (!isRaising(goal) && isFormerStable(rollout))) return;
      words = wordsOf(await look(guard, seen));
    },

    async isSteady(seen) {
      const pods = await look(guard, seen);
      const restarts = pods.reduce((sum, pod) => sum + (pod.state === "ready" ? pod.restarts : 0), 0);
      const areReady = pods.every(({ state }) => state === "ready" || state === "leaving");
      if (!areReady || steady?.restarts !== restarts) steady = { restarts, sinceMs: clock.now() };
      if (pods.length === 0) return true;
      return areReady && clock.now() - steady.sinceMs >= steadyMs;
    },

    checkPatience({ rollout }, waitsFor) {
      const where = `${rollout.position.at} ${rollout.step} ${rollout.currentHash} ${rollout.pods.updated}`;
      if (since?.where !== where) since = { where, atMs: clock.now() };
      if (clock.now() - since.atMs < patienceMs) return;
      throw new ReleaseError("TIMEOUT", {
        rule: `the Rollout ${namespace}/${name} must move on within ${Math.round(patienceMs / 1_000)} s`,
        saw: [waitsFor, words].filter(Boolean).join("; "),
        hint: "set ready-timeout longer; see its pods, and whether the controller of Argo Rollouts runs",
      });
    },
  };

  /** Argo's own words, each once. */
  function tell(rollout: ArgoRollout): void {
    const lines = [
      `Rollout ${name}: ${formatPosition(rollout)}`,
      ...rollout.analyses.map(
        ({ name: run, status, message }) => `AnalysisRun ${run}: ${[status, message].filter(Boolean).join(": ")}`,
      ),
    ];
    for (const line of lines.filter((one) => !told.has(one))) {
      log.info(line);
      told.add(line);
    }
  }
}

async function look(guard: PodGuard, { object, rollout }: Seen): Promise<readonly PodHealth[]> {
  if (rollout.currentHash === "") return [];
  return (await guard.look({ labels: podsLabels(object, rollout.currentHash) })) ?? [];
}

/** What keeps pods from being ready. */
function wordsOf(pods: readonly PodHealth[]): string {
  return pods
    .filter(({ state }) => state === "waiting" || state === "failed")
    .map(formatHealth)
    .slice(0, 3)
    .join("; ");
}
