import { type KubeObject, textAt } from "../../domain/manifest/object.ts";
import {
  type DeploymentStatus,
  deploymentStatus,
  newestHash,
  selectorOf,
} from "../../domain/serving/deployment-status.ts";
import { formatHealth, type PodHealth } from "../../domain/serving/pod-health.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { poll } from "../../lib/poll.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { KubeConnection } from "./connection.ts";
import { getObject, type ResourceType } from "./objects.ts";
import { podGuard } from "./pod-guard.ts";
import { listIfAllowed } from "./pods.ts";

export type WaitForDeployment = {
  readonly namespace: string;
  readonly name: string;
  /** Whether it has the template that is waited for: what a former one says counts for nothing. Once it had it, another is a conflict. */
  readonly isWanted: (deployment: KubeObject) => boolean;
  readonly timeoutMs: number;
  /** How long a pod may find no node. Default 2 minutes. */
  readonly unschedulableMs?: number;
  /** How long all pods must stay ready without one of them starting again. Default 2 s: a server that crashes at once is ready before. */
  readonly steadyMs?: number;
  /** What to do when the time is over: the input that lengthens it. */
  readonly hint?: string;
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "debug">;
  readonly signal: AbortSignal;
};

const LOOK_MS = 1_000;
const STEADY_MS = 2_000;

/**
 * Waits until every replica of a Deployment has the wanted template, serves, and goes on serving; gives it as it then is. Throws `COMMAND` as
 * soon as its pods say that it will not come up, `TIMEOUT` with what it still waited for, `CONFLICT` where somebody else changed or removed it.
 */
export async function waitForDeployment(connection: KubeConnection, wait: WaitForDeployment): Promise<KubeObject> {
  const { namespace, name, clock, signal, log, steadyMs = STEADY_MS } = wait;
  const type = { group: "apps", version: "v1", plural: "deployments", namespace };
  const guard = podGuard(connection, wait);
  let hadWanted = false;
  let last = "";
  let steady: { readonly sinceMs: number; readonly restarts: number } | undefined;

  return poll<KubeObject>({
    clock,
    signal,
    delayMs: LOOK_MS,
    look: () => look().catch(passing),
    deadline: {
      ms: wait.timeoutMs,
      problem: () => ({
        rule: `the Deployment ${namespace}/${name} did not come up within ${Math.round(wait.timeoutMs / 1_000)} s`,
        saw: last,
        hint: wait.hint ?? "give it more time, or see its pods (kubectl describe pod)",
      }),
    },
  });

  async function look(): Promise<KubeObject | undefined> {
    const deployment = await getObject(connection, type, name);
    if (deployment === undefined)
      return hadWanted ? fail("was removed while it was waited for") : tell("it is not there yet");
    if (!wait.isWanted(deployment))
      return hadWanted ? fail("was changed while it was waited for") : tell("it does not have the new template yet");
    hadWanted = true;
    const status = deploymentStatus(deployment);
    const pods = await podsOf(deployment, status);
    switch (status.state) {
      case "unseen":
        return tell("its controller has not seen the change yet");
      case "failed":
        throw new ReleaseError("COMMAND", {
          rule: `the Deployment ${namespace}/${name} does not come up: ${status.why}`,
          saw: wordsOf(pods) || "nothing of its pods",
        });
      case "rolling":
        steady = undefined;
        guard.lookAtQuota(status.quota);
        return tell([status.message, status.quota, wordsOf(pods)].filter(Boolean).join("; "));
      case "ready":
        return isSteady(pods) ? deployment : tell("its pods are ready, and have to stay so for a moment");
    }
  }

  function isSteady(pods: readonly PodHealth[]): boolean {
    const restarts = pods.reduce((sum, pod) => sum + (pod.state === "ready" ? pod.restarts : 0), 0);
    if (steady === undefined || steady.restarts !== restarts) steady = { sinceMs: clock.now(), restarts };
    return clock.now() - steady.sinceMs >= steadyMs;
  }

  async function podsOf(deployment: KubeObject, status: DeploymentStatus): Promise<readonly PodHealth[]> {
    // the newest pods are those of the former template
    if (status.state === "unseen") return [];
    const labels = selectorOf(deployment);
    const sets = await listIfAllowed(connection, replicaSetsOf(namespace), { labels });
    const hash = sets === undefined ? undefined : newestHash(deployment, sets);
    if (sets !== undefined && hash === undefined) return [];
    const isOurs = (pod: KubeObject) =>
      hash === undefined || textAt(pod, ["metadata", "labels", "pod-template-hash"]) === hash;
    return (await guard.look({ labels, isOurs })) ?? [];
  }

  /** Goes on waiting. */
  function tell(message: string): undefined {
    if (message !== last) log.info(`Deployment ${namespace}/${name}: ${message}`);
    last = message;
    return undefined;
  }

  function fail(what: string): never {
    throw new ReleaseError("CONFLICT", {
      rule: `the Deployment ${namespace}/${name} ${what}`,
      hint: "nothing more is changed; see who did it (kubectl get --show-managed-fields)",
    });
  }

  /** An API server that starts again is away for seconds, and knows nobody at first. */
  function passing(error: unknown): undefined {
    if (isReleaseError(error, "UNAVAILABLE") || (hadWanted && isReleaseError(error, "AUTH")))
      return tell(error.message);
    throw error;
  }
}

function replicaSetsOf(namespace: string): ResourceType {
  return { group: "apps", version: "v1", plural: "replicasets", namespace };
}

/** What keeps pods from being ready. */
function wordsOf(pods: readonly PodHealth[]): string {
  return pods
    .filter(({ state }) => state === "waiting" || state === "failed")
    .map(formatHealth)
    .slice(0, 3)
    .join("; ");
}
