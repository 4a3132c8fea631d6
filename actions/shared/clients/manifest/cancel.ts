import { podSelector } from "../../domain/manifest/marked-object.ts";
import { type KubeObject, numberAt, textAt, textsAt, withValue } from "../../domain/manifest/object.ts";
import { podStatusOf } from "../../domain/manifest/pods.ts";
import { CANCELLED_AT, statusOf } from "../../domain/manifest/status.ts";
import type { Clock } from "../../ports/clock.ts";
import type { KubeConnection } from "../kubernetes/connection.ts";
import { deleteObject, patchObject } from "../kubernetes/objects.ts";
import { listPods } from "../kubernetes/pods.ts";
import { findObject } from "./find-object.ts";
import type { Place } from "./place.ts";

/** With the calls around it below the 5 s that a cancelled step has. */
const VERIFY_MS = 3_500;
const LOOK_MS = 200;
/** Of one request, so that a silent one leaves time for another. */
const REQUEST_MS = 1_500;

export type Cancel = {
  readonly runId: string;
  readonly clock: Clock;
  readonly ending: "suspend" | "delete";
};

/** Suspends or deletes the object of a run and sees that its pods end. Says what still runs where they take longer. */
export async function cancelRun(given: Place, { runId, clock, ending }: Cancel): Promise<readonly string[]> {
  const place = { ...given, connection: hurried(given.connection) };
  const { connection, kind, namespace, type } = place;
  const object = await findObject(place, runId);
  if (object === undefined) return [`there is no ${kind.kind} of run ${runId} in the namespace ${namespace}`];
  const name = textAt(object, ["metadata", "name"]) ?? "";
  const selector = podSelector(name, runId, kind);
  const status = statusOf(object, kind);
  if (status.state === "succeeded" || status.state === "failed")
    return [`${kind.kind} ${name} had ended before: ${status.state}`];
  const isQueued = textsAt(object, ["metadata", "labels"])["kueue.x-k8s.io/queue-name"] !== undefined;
  // a queue decides about suspension itself, and would start it again
  const suspend = ending === "suspend" && !isQueued ? kind.suspend : undefined;
  const at = new Date(clock.now()).toISOString();
  const done: string[] = [];
  if (textAt(object, ["metadata", "deletionTimestamp"]) !== undefined)
    done.push(`${kind.kind} ${name} is being deleted`);
  else if (suspend === undefined) {
    await deleteObject(connection, type, name);
    done.push(`deleted ${kind.kind} ${name}`);
  } else if (status.state === "cancelled") done.push(`${kind.kind} ${name} had been suspended before`);
  else {
    const annotated = { metadata: { annotations: { [CANCELLED_AT]: at } } };
    await patchObject(connection, type, { name, patch: withValue(annotated, suspend, true) });
    done.push(`suspended ${kind.kind} ${name}; run the step again to go on with it`);
  }
  return [...done, await verified(place, selector, clock)];
}

/** What a cancel asks may be asked twice. */
function hurried(connection: KubeConnection): KubeConnection {
  const send: KubeConnection["send"] = (wanted) => connection.send({ ...wanted, timeoutMs: REQUEST_MS, attempts: 2 });
  return { ...connection, send };
}

/** Waits until no pod runs any more; names those that do. */
async function verified({ connection, namespace }: Place, selector: string, clock: Clock): Promise<string> {
  const start = clock.now();
  for (;;) {
    const pods = await listPods(connection, namespace, selector);
    if (pods === undefined) return "whether its pods have ended is not known: the account may not list them";
    const left = pods.filter(isLeft);
    if (left.length === 0) return "none of its pods runs any more";
    if (clock.now() - start >= VERIFY_MS) return leftSentence(left);
    await clock.sleep(LOOK_MS);
  }
}

function isLeft(pod: KubeObject): boolean {
  const phase = textAt(pod, ["status", "phase"]);
  if (phase === "Succeeded" || phase === "Failed") return false;
  // a pod without a node that is being deleted has nothing that runs
  const isDeleted = textAt(pod, ["metadata", "deletionTimestamp"]) !== undefined;
  return !(isDeleted && podStatusOf(pod).node === undefined);
}

function leftSentence(pods: readonly KubeObject[]): string {
  const names = pods.slice(0, 5).map((pod) => textAt(pod, ["metadata", "name"]) ?? "");
  const more = pods.length > names.length ? ` and ${pods.length - names.length} more` : "";
  const isTold = pods.every((pod) => textAt(pod, ["metadata", "deletionTimestamp"]) !== undefined);
  const grace = Math.max(...pods.map((pod) => numberAt(pod, ["spec", "terminationGracePeriodSeconds"]) ?? 30));
  const what = isTold
    ? `were told to end and may run for ${grace}s more`
    : "still run, their controller has not ended them yet";
  return `the pods ${names.join(", ")}${more} ${what}`;
}
