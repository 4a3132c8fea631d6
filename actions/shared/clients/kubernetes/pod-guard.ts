import type { KubeObject } from "../../domain/manifest/object.ts";
import { logTail } from "../../domain/run/log-tail.ts";
import type { TaskWait } from "../../domain/run/task.ts";
import { formatHealth, type PodHealth, podHealthOf } from "../../domain/serving/pod-health.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { KubeConnection } from "./connection.ts";
import { listPods, podLog, withTrouble } from "./pods.ts";

export type PodGuardOptions = {
  readonly namespace: string;
  readonly clock: Pick<Clock, "now">;
  /** How long a pod may find no node, or a quota no room. Default 2 minutes. */
  readonly unschedulableMs?: number;
};

export type PodSelection = {
  readonly labels: string;
  /** Of what the labels choose, the pods that count: those of an older version do not. */
  readonly isOurs?: (pod: KubeObject) => boolean;
};

export type PodGuard = {
  /**
   * Reads the pods once. Throws `COMMAND` where one has failed for good, or waits longer than it may: in the pod's own words, with the end of
   * the failed container's log. Undefined where the account may not list pods.
   */
  look(selection: PodSelection): Promise<readonly PodHealth[] | undefined>;
  /** The same for pods that cannot even be made, in the words of who makes them. */
  lookAtQuota(words: string | undefined): void;
};

const UNSCHEDULABLE_MS = 120_000;
/** What is missing may be on its way: secrets and volumes come from other controllers. */
const PATIENCE_MS: Partial<Readonly<Record<TaskWait["kind"], number>>> = { config: 60_000, "image-pull": 60_000 };
const LOG_LINES = 60;

/** Remembers since when each pod waits for what, by its own clock. One for each wait. */
export function podGuard(connection: KubeConnection, options: PodGuardOptions): PodGuard {
  const { namespace, clock, unschedulableMs = UNSCHEDULABLE_MS } = options;
  const since = new Map<string, number>();

  return {
    async look({ labels, isOurs = () => true }) {
      const pods = await listPods(connection, namespace, labels);
      if (pods === undefined) return undefined;
      const seen = pods.filter(isOurs).map(podHealthOf);
      const failed = seen.find(({ state }) => state === "failed");
      if (failed?.state === "failed") throw failure(failed, await tailOf(failed));
      const waiting = await withTrouble(
        connection,
        namespace,
        seen.filter((one) => one.state === "waiting"),
      );
      for (const health of waiting) checkPatience(health);
      return [...seen.filter(({ state }) => state !== "waiting"), ...waiting];
    },

    lookAtQuota(words) {
      if (words === undefined) {
        since.delete("quota");
        return;
      }
      if (waitedFor("quota") > unschedulableMs)
        throw new ReleaseError("COMMAND", {
          rule: `pods cannot be made in the namespace ${namespace}`,
          saw: words,
          hint: "free what holds the quota, have it raised, or ask for less",
        });
    },
  };

  function checkPatience(health: Extract<PodHealth, { state: "waiting" }>): void {
    const { kind } = health.wait;
    const waited = waitedFor(`${health.name} ${kind}`);
    const allowed = kind === "unschedulable" ? unschedulableMs : PATIENCE_MS[kind];
    if (allowed === undefined || waited <= allowed) return;
    throw new ReleaseError("COMMAND", {
      rule: formatHealth(health),
      saw: `for ${Math.round(waited / 1_000)} s`,
      allowed: `${Math.round(allowed / 1_000)} s`,
      hint: kind === "unschedulable" ? UNSCHEDULABLE_HINT : "see the pod's events (kubectl describe pod)",
    });
  }

  function waitedFor(key: string): number {
    const begin = since.get(key) ?? clock.now();
    since.set(key, begin);
    return clock.now() - begin;
  }

  async function tailOf({ name, log }: Extract<PodHealth, { state: "failed" }>): Promise<string> {
    if (log === undefined) return "";
    try {
      const { container, isPrevious } = log;
      const wish = { namespace, pod: name, container, lines: LOG_LINES };
      const text =
        (await podLog(connection, { ...wish, isPrevious })) ??
        (isPrevious ? await podLog(connection, wish) : undefined);
      return logTail(text ?? "");
    } catch (error) {
      // the reason is known: a log that cannot be had does not take its place
      if (isReleaseError(error)) return "";
      throw error;
    }
  }
}

const UNSCHEDULABLE_HINT =
  "make room (a node, a GPU), correct the node selector or the tolerations, or let the former version go first (strategy: recreate)";

function failure(health: Extract<PodHealth, { state: "failed" }>, tail: string): ReleaseError {
  return new ReleaseError("COMMAND", {
    rule: formatHealth(health),
    ...(tail === "" ? {} : { saw: `the end of its log:\n${tail}` }),
    hint: tail === "" ? "see the pod's events (kubectl describe pod)" : "mend what the log names",
  });
}
