import { creationFailure } from "../../domain/manifest/events.ts";
import { podSelector } from "../../domain/manifest/marked-object.ts";
import { type KubeObject, textAt } from "../../domain/manifest/object.ts";
import { type PodStatus, podStatusOf } from "../../domain/manifest/pods.ts";
import { runStatusOf } from "../../domain/manifest/run-status.ts";
import { statusOf } from "../../domain/manifest/status.ts";
import { logTail } from "../../domain/run/log-tail.ts";
import type { RunStatus } from "../../domain/run/task.ts";
import { isReleaseError } from "../../lib/error.ts";
import { addressOf } from "../kubernetes/objects.ts";
import { listEvents, listIfAllowed, listPods, podLog, withTrouble } from "../kubernetes/pods.ts";
import type { Memory } from "./memory.ts";
import type { Place } from "./place.ts";

/** More than are shown: the last of them may be empty. */
const LOG_LINES = 100;
/** A large job fails in hundreds of pods at once: the first tell why. */
const MOST_LOGS = 8;

export type Sight = {
  readonly object: KubeObject;
  readonly runId: string;
  readonly memory: Memory;
};

/** Everything that the cluster says of a run now, in the normal form. The logs of pods that failed are fetched at once: they do not last. */
export async function observe(place: Place, { object, runId, memory }: Sight): Promise<RunStatus> {
  const { connection, kind, namespace, type } = place;
  const name = textAt(object, ["metadata", "name"]) ?? "";
  memory.sawObject(object);
  const [pods, trials] = await Promise.all([
    podsOf(place, podSelector(name, runId, kind), memory),
    kind.kind === "Experiment" ? trialsOf(place, name, memory) : [],
  ]);
  const isEnded = ["succeeded", "failed", "cancelled"].includes(statusOf(object, kind).state);
  const told = isEnded ? pods : await withTrouble(connection, namespace, pods);
  // who ended the object may have removed its pods
  const all = isEnded ? [...told, ...removedPods(memory.pods(), told)] : told;
  memory.sawPods(all);
  await keepLogs(place, all, memory);
  const events =
    pods.length > 0 || isEnded ? undefined : await listEvents(connection, namespace, "reason=FailedCreate");
  const creation = events === undefined ? undefined : creationFailure(events, name);
  const status = runStatusOf({
    object,
    kind,
    pods: all,
    trials,
    creation,
    place: addressOf(connection, type, name).pathname,
  });
  memory.sawStatus(status);
  return status;
}

async function podsOf(
  { connection, namespace }: Place,
  selector: string,
  memory: Memory,
): Promise<readonly PodStatus[]> {
  const pods = await listPods(connection, namespace, selector);
  if (pods === undefined)
    memory.notice(`the account may not list pods in the namespace ${namespace}: why they wait or fail is not known`);
  return (pods ?? []).map(podStatusOf);
}

async function trialsOf(
  { connection, kind, namespace }: Place,
  name: string,
  memory: Memory,
): Promise<readonly KubeObject[]> {
  const type = { group: kind.group, version: kind.version, plural: "trials", namespace };
  const trials = await listIfAllowed(connection, type, { labels: `katib.kubeflow.org/experiment=${name}` });
  if (trials === undefined)
    memory.notice(`the account may not list trials in the namespace ${namespace}: they are not shown one by one`);
  return trials ?? [];
}

function removedPods(before: readonly PodStatus[], now: readonly PodStatus[]): readonly PodStatus[] {
  const names = new Set(now.map(({ name }) => name));
  return before
    .filter(({ name }) => !names.has(name))
    .map((pod) => {
      if (pod.state === "succeeded" || pod.state === "failed") return pod;
      const { wait: _, ...rest } = pod;
      return { ...rest, state: "cancelled", error: "its pod was removed" };
    });
}

async function keepLogs(place: Place, pods: readonly PodStatus[], memory: Memory): Promise<void> {
  const kept = new Set(memory.logs().map(({ pod }) => pod.name));
  const failed = pods.filter(
    ({ state, name, container }) => state === "failed" && container !== undefined && !kept.has(name),
  );
  const wanted = failed
    .toSorted((a, b) => (a.finishedAtMs ?? 0) - (b.finishedAtMs ?? 0))
    .slice(0, MOST_LOGS - kept.size);
  await Promise.all(wanted.map((pod) => keepLog(place, pod, memory)));
}

async function keepLog({ connection, namespace }: Place, pod: PodStatus, memory: Memory): Promise<void> {
  const { name, container, isPrevious } = pod;
  try {
    const log = await podLog(connection, {
      namespace,
      pod: name,
      lines: LOG_LINES,
      ...(container === undefined ? {} : { container }),
      ...(isPrevious === undefined ? {} : { isPrevious }),
    });
    memory.keepLog({ pod, tail: logTail(log ?? "") });
    if (log === undefined) memory.notice(`the log of pod ${name} is gone`);
  } catch (error) {
    if (isReleaseError(error, "AUTH"))
      memory.notice(`the log of pod ${name} was not read: ${error.problems[0]?.hint ?? error.message}`);
    // a log that cannot be read now is asked for at the next look: the run's state does not wait for it
    else if (!isReleaseError(error)) throw error;
  }
}
