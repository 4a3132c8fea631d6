import { isJsonObject, type Json } from "../canonical.ts";
import type { HashText } from "../digest.ts";
import {
  conditionsOf,
  type KubeObject,
  listAt,
  numberAt,
  recordAt,
  textAt,
  textsAt,
  valueAt,
} from "../manifest/object.ts";
import { parseJson } from "../parse-json.ts";
import type { ServedModel } from "../rollout/journal-entry.ts";
import { isSameVersion } from "../rollout/same-version.ts";
import { BASE_MARK, candidateLabels, templateHash } from "./candidate-deployment.ts";
import type { DeploymentArm, DeploymentState } from "./deployment.ts";
import type { Loan } from "./deployment-loan.ts";
import { deploymentStatus } from "./deployment-status.ts";
import { type BackendNames, readRoute } from "./http-route.ts";
import { FORMER_MARK, markedModel } from "./marks.ts";

/** The objects of a rollout as the cluster gives them. */
export type DeploymentObjects = {
  readonly stable: KubeObject;
  readonly candidate: KubeObject | undefined;
  readonly service: KubeObject;
  readonly candidateService: KubeObject | undefined;
  /** Of the namespace; undefined where the cluster has no Gateway API. */
  readonly routes: readonly KubeObject[] | undefined;
  readonly autoscaler: KubeObject | undefined;
  /** Of the candidate's service. */
  readonly slices: readonly KubeObject[];
  /** Of the candidate. */
  readonly pods: readonly KubeObject[];
};

export function deploymentState(objects: DeploymentObjects, names: BackendNames, hash: HashText): DeploymentState {
  const { stable, candidate, service, candidateService, slices, pods } = objects;
  const routes = (objects.routes ?? []).flatMap((route) => readRoute(route, names) ?? []);
  const selector = stableSelector(service);
  return {
    mode: routes.length > 0 ? "gateway" : "replicas",
    names,
    stable: { ...armOf(stable), isStrategyHeld: formerStrategy(stable) !== undefined, loan: loanOf(stable) },
    isStableChanged: candidate !== undefined && isChanged(stable, candidate, hash),
    candidate: candidate === undefined ? undefined : armOf(candidate),
    candidateService: candidateService === undefined ? undefined : { ready: readyEndpoints(slices) },
    routes,
    autoscaler: autoscalerOf(objects.autoscaler),
    isPinned: isPinned(stable, service),
    pods: pods.map((pod) => ({
      name: textAt(pod, ["metadata", "name"]) ?? "",
      isReady: isPodReady(pod),
      isJoined: isChosen(textsAt(pod, ["metadata", "labels"]), selector),
    })),
  };
}

/** The version that a Deployment's pods are made with. */
export function modelOf(deployment: KubeObject): ServedModel | undefined {
  return markedModel(textsAt(deployment, ["spec", "template", "metadata", "annotations"]));
}

/** The service's own selector, also while it sends to the candidate only. */
export function stableSelector(service: KubeObject): Readonly<Record<string, string>> {
  return textsAt(formerOf(service) ?? recordAt(service, ["spec"]), ["selector"]);
}

export function isChosen(
  labels: Readonly<Record<string, string>>,
  selector: Readonly<Record<string, string>>,
): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

/** What an object was before we changed it; undefined where we did not. */
export function formerOf(object: KubeObject | undefined): KubeObject | undefined {
  const value = parseJson(textAt(object, ["metadata", "annotations", FORMER_MARK]) ?? "");
  return isJsonObject(value) ? value : undefined;
}

/** The strategy that the Deployment had before we gave it another one for a while. */
export function formerStrategy(deployment: KubeObject): Json | undefined {
  return valueAt(formerOf(deployment), ["strategy"]);
}

/** How many pods the Deployment had before it lent some of them, and how many it was given. */
export function loanOf(deployment: KubeObject): Loan | undefined {
  const [from, to, was] = ["from", "to", "was"].map((key) => numberAt(formerOf(deployment), ["replicas", key]));
  if (from === undefined || to === undefined) return undefined;
  return { from, to, ...(was === undefined ? {} : { was }) };
}

function armOf(deployment: KubeObject): DeploymentArm {
  return {
    model: modelOf(deployment),
    replicas: numberAt(deployment, ["spec", "replicas"]) ?? 1,
    isRolledOut: deploymentStatus(deployment).state === "ready",
  };
}

/** A stable that has the candidate's version already was changed by its promotion. */
function isChanged(stable: KubeObject, candidate: KubeObject, hash: HashText): boolean {
  if (isSameVersion(modelOf(stable), modelOf(candidate))) return false;
  return templateHash(stable, hash) !== textAt(candidate, ["metadata", "annotations", BASE_MARK]);
}

function isPinned(stable: KubeObject, service: KubeObject): boolean {
  const selector = textsAt(service, ["spec", "selector"]);
  const own = candidateLabels(textAt(stable, ["metadata", "name"]) ?? "");
  return Object.entries(own).every(([key, value]) => selector[key] === value);
}

function readyEndpoints(slices: readonly KubeObject[]): number {
  const ready = slices
    .flatMap((slice) => listAt(slice, ["endpoints"]))
    .filter((endpoint) => valueAt(endpoint, ["conditions", "ready"]) !== false);
  // A pod with two addresses (IPv4, IPv6) is in two slices.
  return new Set(ready.map((one) => textAt(one, ["targetRef", "name"]) ?? textAt(one, ["addresses", 0]))).size;
}

function autoscalerOf(object: KubeObject | undefined): DeploymentState["autoscaler"] {
  if (object === undefined) return undefined;
  return {
    min: numberAt(object, ["spec", "minReplicas"]) ?? 1,
    max: numberAt(object, ["spec", "maxReplicas"]) ?? 1,
    isHeld: recordAt(object, ["metadata", "annotations"])[FORMER_MARK] !== undefined,
  };
}

function isPodReady(pod: KubeObject): boolean {
  return (
    textAt(pod, ["metadata", "deletionTimestamp"]) === undefined &&
    conditionsOf(pod).some(({ type, status }) => type === "Ready" && status === "True")
  );
}
