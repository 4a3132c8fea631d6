import { type KubeObject, listAt, textAt, textsAt, valueAt } from "../../domain/manifest/object.ts";
import { type ArgoRollout, HASH_LABEL, readRollout } from "../../domain/serving/argo-rollout.ts";
import { selectorOf } from "../../domain/serving/deployment-status.ts";
import { ReleaseError } from "../../lib/error.ts";
import { findType, getObject, listObjects } from "../kubernetes/objects.ts";
import { type RolloutPlace, typeIn } from "./place.ts";

/** The Rollout as it is, and what that means. */
export type Seen = { readonly object: KubeObject; readonly rollout: ArgoRollout };

/** Throws `NOT_FOUND` where there is none. */
export async function readSeen(place: RolloutPlace): Promise<Seen> {
  const object = await getObject(place.connection, typeIn(place, "rollout"), place.name);
  if (object === undefined) throw await missing(place);
  return { object, rollout: readRollout(object) };
}

/** Its ReplicaSets, one for each template that it remembers. */
export async function readSets(place: RolloutPlace, object: KubeObject): Promise<readonly KubeObject[]> {
  const listed = await listObjects(place.connection, typeIn(place, "set"), { labels: selectorOf(object) });
  const uid = textAt(object, ["metadata", "uid"]);
  return (listed?.items ?? []).filter((set) =>
    listAt(set, ["metadata", "ownerReferences"]).some((owner) => textAt(owner, ["uid"]) === uid),
  );
}

export function setWith(sets: readonly KubeObject[], hash: string): KubeObject | undefined {
  return sets.find((set) => textsAt(set, ["metadata", "labels"])[HASH_LABEL] === hash);
}

/** The pods of one template. */
export function podsLabels(object: KubeObject, hash: string): string {
  return [selectorOf(object), `${HASH_LABEL}=${hash}`].filter(Boolean).join(",");
}

export async function readPods(place: RolloutPlace, object: KubeObject, hash: string): Promise<readonly KubeObject[]> {
  if (hash === "") return [];
  const listed = await listObjects(place.connection, typeIn(place, "pod"), { labels: podsLabels(object, hash) });
  return (listed?.items ?? []).filter((pod) => valueAt(pod, ["metadata", "deletionTimestamp"]) === undefined);
}

async function missing(place: RolloutPlace): Promise<ReleaseError> {
  const { connection, namespace, name } = place;
  const kind = await findType(connection, { ...typeIn(place, "rollout"), kind: "Rollout" });
  const where = { input: "target" };
  if (kind === undefined)
    return new ReleaseError("NOT_FOUND", {
      rule: "the cluster must know Rollouts (argoproj.io/v1alpha1)",
      where,
      hint: "install Argo Rollouts, or set target: deployment/NAME",
    });
  return new ReleaseError("NOT_FOUND", {
    rule: "the target must be there: a rollout changes what serves",
    where,
    saw: `no Rollout ${name} in the namespace ${namespace}`,
    hint: "correct the inputs target and namespace, or apply the Rollout first",
  });
}
