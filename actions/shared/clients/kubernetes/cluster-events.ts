import { type KubeObject, numberAt, textAt } from "../../domain/manifest/object.ts";
import { isReleaseError } from "../../lib/error.ts";
import { sha256 } from "../../lib/hash.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RolloutEvent } from "../../ports/target.ts";
import { createObject, patchVersion } from "./change-object.ts";
import type { KubeConnection } from "./connection.ts";
import { getObject } from "./objects.ts";

export type ClusterEventsOptions = {
  readonly connection: KubeConnection;
  readonly namespace: string;
  /** What is rolled out, as it is now. */
  readonly regarding: () => Promise<KubeObject | undefined>;
  /** Who tells it: the run of the workflow. */
  readonly instance: string;
  readonly clock: Pick<Clock, "now">;
  readonly log: Pick<Log, "warn" | "debug">;
};

const CONTROLLER = "ml-release.dev/deploy-model";
/** The API takes so many characters. */
const NOTE_LENGTH = 1_024;
const INSTANCE_LENGTH = 128;
const MOST_TRIES = 3;
const WARNINGS: readonly RolloutEvent["reason"][] = ["CanaryRolledBack", "CanaryHeld"];

/**
 * Tells what a rollout does as events of the object (`kubectl describe` shows them). The same again within the hour that a cluster keeps them is
 * counted in a series. Never throws: what cannot be told is warned of once.
 */
export function clusterEvents(options: ClusterEventsOptions): (event: RolloutEvent) => Promise<void> {
  const { connection, namespace, regarding, instance, clock, log } = options;
  const type = { group: "events.k8s.io", version: "v1", plural: "events", namespace };
  let hasWarned = false;

  return async (event) => {
    try {
      await tell(event);
    } catch (error) {
      if (!isReleaseError(error)) throw error;
      if (hasWarned) log.debug(`an event of the cluster was not written: ${error.message}`);
      else log.warn(`events of the cluster are not written: ${error.message}`);
      hasWarned = true;
    }
  };

  async function tell({ reason, note }: RolloutEvent): Promise<void> {
    const about = await regarding();
    if (about === undefined) return;
    const uid = textAt(about, ["metadata", "uid"]) ?? "";
    const target = textAt(about, ["metadata", "name"]) ?? "";
    const name = `${target}.${sha256(`${uid} ${reason} ${note}`).slice("sha256:".length).slice(0, 16)}`;
    const now = microTime(clock.now());
    const object: KubeObject = {
      metadata: { name },
      regarding: {
        apiVersion: textAt(about, ["apiVersion"]) ?? "",
        kind: textAt(about, ["kind"]) ?? "",
        name: target,
        namespace,
        uid,
      },
      reason,
      note: note.slice(0, NOTE_LENGTH),
      type: WARNINGS.includes(reason) ? "Warning" : "Normal",
      action: "Rollout",
      eventTime: now,
      reportingController: CONTROLLER,
      reportingInstance: instance.slice(0, INSTANCE_LENGTH),
    };
    const created = await createObject(connection, type, { object });
    if (created.state === "exists") await countAgain(name, now);
  }

  async function countAgain(name: string, now: string): Promise<void> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const found = await getObject(connection, type, name);
      if (found === undefined) return;
      const count = (numberAt(found, ["series", "count"]) ?? 1) + 1;
      const version = textAt(found, ["metadata", "resourceVersion"]) ?? "";
      const patch = { series: { count, lastObservedTime: now } };
      if ((await patchVersion(connection, type, { name, version, patch })).state !== "changed") return;
    }
  }
}

/** Six digits behind the second, as events have them. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
