import { type ArgoRollout, formatPosition, hasCandidate, isFormerStable } from "../../domain/serving/argo-rollout.ts";
import { formatHealth, type PodHealth } from "../../domain/serving/pod-health.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { type PodGuard, podGuard } from "../kubernetes/pod-guard.ts";
import type { RolloutPlace } from "./place.ts";
import { podsLabels, readSeen, type Seen } from "./read-objects.ts";

const STEADY_MS = 2_000;

export type Following = {
  readonly lookMs: number;
  /** How long the controller may stay where it is, and the API server be away. */
  readonly patienceMs: number;
  readonly signal: AbortSignal | undefined;
};

export type Follower = {
  read(): Promise<Seen>;
  /** What an act gives; false where the API server was away. */
  outlast(act: () => Promise<boolean>): Promise<boolean>;
  /** Throws `COMMAND` where pods that come up say that they will not: the candidate's, or those of the template before once that comes back. */
  lookAtPods(seen: Seen, whose: "candidate" | "former"): Promise<void>;
  /** Whether one of the candidate can be asked. */
  hasReadyPod(seen: Seen): Promise<boolean>;
  /** All pods of the newest template have been ready for a while without starting again. */
  isSteady(seen: Seen): Promise<boolean>;
  /** Throws `TIMEOUT` where it has not moved for too long. */
  checkPatience(seen: Seen, waitsFor: string): void;
};

/** What is remembered while one goal is carried out: what was told already, and since when nothing moves. */
export function followRollout(place: RolloutPlace, { lookMs, patienceMs, signal }: Following): Follower {
  const { clock, log, name, namespace, steadyMs = STEADY_MS } = place;
  const guard = podGuard(place.connection, place);
  const told = new Set<string>();
  let since: { readonly where: string; readonly atMs: number } | undefined;
  let steady: { readonly restarts: number; readonly sinceMs: number } | undefined;
  let words = "";
  let hasRead = false;
  let awaySinceMs: number | undefined;

  return {
    async read() {
      for (;;) {
        try {
          const seen = await readSeen(place);
          hasRead = true;
          tell(seen.rollout);
          return seen;
        } catch (error) {
          // One that starts again knows nobody at first.
          if (!hasRead || !isReleaseError(error, "UNAVAILABLE", "AUTH")) throw error;
          await bear(error);
        }
      }
    },

    async outlast(act) {
      try {
        const isDone = await act();
        awaySinceMs = undefined;
        return isDone;
      } catch (error) {
        if (!isReleaseError(error, "UNAVAILABLE")) throw error;
        await bear(error);
        return false;
      }
    },

    async lookAtPods(seen, whose) {
      const { rollout } = seen;
      if (rollout.position.at === "unseen" || (whose === "former" && isFormerStable(rollout))) return;
      words = wordsOf(await look(guard, seen));
    },

    async hasReadyPod(seen) {
      const { position, currentHash, former } = seen.rollout;
      if (position.at === "unseen" || !hasCandidate(seen.rollout) || currentHash === former?.hash) return false;
      return (await look(guard, seen)).some(({ state }) => state === "ready");
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

  /** Waits a moment; throws what it was given where nothing has gone well for too long. */
  async function bear(error: ReleaseError): Promise<void> {
    awaySinceMs ??= clock.now();
    if (clock.now() - awaySinceMs > patienceMs) throw error;
    log.debug(`Rollout ${name}: ${error.message}`);
    await clock.sleep(lookMs, signal);
  }

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
