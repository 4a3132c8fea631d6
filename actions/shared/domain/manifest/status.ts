import type { Kind } from "./kinds.ts";
import { type Condition, type KubeObject, lastTrue, textAt, timeAt, valueAt } from "./object.ts";
import { heldBy } from "./stated-condition.ts";

/** What an object says of itself. */
export type ObjectStatus = {
  readonly state: "pending" | "running" | "succeeded" | "failed" | "cancelled";
  /** Why, in a sentence. */
  readonly reason?: string;
  /** It was told not to run, by us (`cancelled`) or by somebody else, such as a queue (`pending`). */
  readonly isSuspended: boolean;
  readonly progress?: string;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
};

/** The annotation of an object that was ended by us, with the time. */
export const CANCELLED_AT = "ml-release/cancelled-at";

/**
 * Decides by the object alone. What has ended stays ended, whatever is said of it later: only conditions with status True count, and of
 * those that end it the last one. Deleted or suspended by us is cancelled; suspended by others waits.
 */
export function statusOf(object: KubeObject, kind: Kind): ObjectStatus {
  const ended = endOf(object, kind);
  const progress = kind.progress(object);
  const started = timeAt(object, kind.startedAt);
  const common = {
    ...(progress === undefined ? {} : { progress }),
    ...(started === undefined ? {} : { startedAtMs: started }),
  };
  if (ended !== undefined) {
    const finished = (kind.finishedAt && timeAt(object, kind.finishedAt)) ?? ended.atMs;
    const { state } = ended;
    const reason = ended.reason === undefined ? {} : { reason: ended.reason };
    return {
      state,
      ...reason,
      isSuspended: false,
      ...common,
      ...(finished === undefined ? {} : { finishedAtMs: finished }),
    };
  }
  if (textAt(object, ["metadata", "deletionTimestamp"]) !== undefined)
    return { state: "cancelled", reason: "it is being deleted", isSuspended: false, ...common };
  const suspended = lastTrue(object, kind.suspends);
  const isSuspended = suspended !== undefined || (kind.suspend && valueAt(object, kind.suspend)) === true;
  if (isSuspended) return suspendedStatus(object, suspended, common);
  return { state: kind.isRunning(object) ? "running" : "pending", isSuspended: false, ...common };
}

type Ended = {
  readonly state: "succeeded" | "failed";
  readonly reason?: string | undefined;
  readonly atMs?: number | undefined;
};

function endOf(object: KubeObject, kind: Kind): Ended | undefined {
  if (kind.stated !== undefined) {
    // failure first: what is both is no success
    const failed = kind.stated.failure && heldBy(object, kind.stated.failure);
    if (failed !== undefined) return { state: "failed", reason: failed };
    const succeeded = heldBy(object, kind.stated.success);
    if (succeeded !== undefined) return { state: "succeeded", reason: succeeded };
    if (kind.stated.failure !== undefined) return undefined;
  }
  const types = kind.stated === undefined ? [...kind.succeeds, ...kind.fails] : kind.fails;
  const last = lastTrue(object, types);
  if (last === undefined) return undefined;
  return {
    state: kind.fails.includes(last.type) ? "failed" : "succeeded",
    reason: kind.sentence(object, last),
    atMs: last.atMs,
  };
}

function suspendedStatus(
  object: KubeObject,
  condition: Condition | undefined,
  common: Pick<ObjectStatus, "progress" | "startedAtMs">,
): ObjectStatus {
  const cancelledAt = textAt(object, ["metadata", "annotations", CANCELLED_AT]);
  if (cancelledAt !== undefined)
    return { state: "cancelled", reason: `it was suspended at ${cancelledAt}`, isSuspended: true, ...common };
  const said = condition?.message ? `: ${condition.message}` : "";
  return { state: "pending", reason: `it is suspended${said}`, isSuspended: true, ...common };
}
