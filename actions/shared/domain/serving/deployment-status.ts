import { conditionsOf, type KubeObject, numberAt, textAt, valueAt } from "../manifest/object.ts";

/** How far a Deployment is with the template that it has now. */
export type DeploymentStatus =
  | { readonly state: "ready" }
  /** Its controller has not seen what it is now. */
  | { readonly state: "unseen" }
  /** `message`: what is missing, with counts. `quota`: why pods cannot even be made. */
  | { readonly state: "rolling"; readonly message: string; readonly quota?: string }
  | { readonly state: "failed"; readonly why: string };

/**
 * By the rules of `kubectl rollout status`: what the controller said before it saw the newest template counts for nothing, and
 * `Available=True` says only that the old pods are still there.
 */
export function deploymentStatus(deployment: KubeObject): DeploymentStatus {
  const generation = numberAt(deployment, ["metadata", "generation"]) ?? 0;
  if ((numberAt(deployment, ["status", "observedGeneration"]) ?? 0) < generation) return { state: "unseen" };
  const conditions = conditionsOf(deployment);
  const progressing = conditions.find(({ type }) => type === "Progressing");
  if (progressing?.status === "False" && progressing.reason === "ProgressDeadlineExceeded")
    return { state: "failed", why: `${progressing.reason}: ${progressing.message}` };
  const blocked = conditions.find(({ type, status }) => type === "ReplicaFailure" && status === "True");
  const message = missingReplicas(deployment);
  if (message === undefined) return { state: "ready" };
  if (valueAt(deployment, ["spec", "paused"]) === true)
    return { state: "failed", why: "it is paused (spec.paused): its controller rolls nothing out" };
  return {
    state: "rolling",
    message,
    ...(blocked === undefined ? {} : { quota: `${blocked.reason}: ${blocked.message}` }),
  };
}

/** Undefined where every wanted replica has the newest template, serves, and no other is left. */
function missingReplicas(deployment: KubeObject): string | undefined {
  const count = (key: string) => numberAt(deployment, ["status", key]) ?? 0;
  const wanted = numberAt(deployment, ["spec", "replicas"]) ?? 1;
  const [updated, all, available] = [count("updatedReplicas"), count("replicas"), count("availableReplicas")];
  if (updated < wanted) return `${updated} of ${wanted} replicas have the new template`;
  if (all > updated) return `${all - updated} replicas of the old template are still there`;
  if (available < updated) return `${available} of ${updated} replicas are available`;
  return undefined;
}

/** `app=fraud,tier in (a,b)`: the selector of what owns pods, as a list is asked for by it. */
export function selectorOf(owner: KubeObject): string {
  const labels = Object.entries((valueAt(owner, ["spec", "selector", "matchLabels"]) ?? {}) as KubeObject);
  const expressions = valueAt(owner, ["spec", "selector", "matchExpressions"]);
  const rules = (Array.isArray(expressions) ? expressions : []).map((one) => {
    const [key, operator] = [textAt(one, ["key"]) ?? "", textAt(one, ["operator"]) ?? ""];
    const listed = valueAt(one, ["values"]);
    const values = (Array.isArray(listed) ? listed : []).join(",");
    switch (operator) {
      case "Exists":
        return key;
      case "DoesNotExist":
        return `!${key}`;
      default:
        return `${key} ${operator === "NotIn" ? "notin" : "in"} (${values})`;
    }
  });
  return [...labels.map(([key, value]) => `${key}=${String(value)}`), ...rules].join(",");
}

/** Of the ReplicaSets of a Deployment the one with its newest template, by the hash that its pods carry; undefined where there is none yet. */
export function newestHash(deployment: KubeObject, replicaSets: readonly KubeObject[]): string | undefined {
  const uid = textAt(deployment, ["metadata", "uid"]);
  const owned = replicaSets.filter((set) => {
    const owners = valueAt(set, ["metadata", "ownerReferences"]);
    return Array.isArray(owners) && owners.some((owner) => textAt(owner, ["uid"]) === uid);
  });
  const revision = textAt(deployment, ["metadata", "annotations", REVISION]);
  const newest = owned.find((set) => textAt(set, ["metadata", "annotations", REVISION]) === revision);
  return textAt(newest, ["metadata", "labels", "pod-template-hash"]);
}

const REVISION = "deployment.kubernetes.io/revision";
