import type { JsonObject } from "../canonical.ts";
import { type KubeObject, listAt, numberAt, recordAt, textAt, textsAt, valueAt } from "../manifest/object.ts";
import type { ServedModel } from "../rollout/journal-entry.ts";
import { deploymentStatus } from "./deployment-status.ts";
import { type BackendNames, type Route, readRoute } from "./http-route.ts";
import { failWith, type KServeAct, waitFor } from "./kserve-act.ts";
import { SOURCE_ANNOTATION } from "./kserve-knative.ts";
import { formatVersion, isSameModel, type Predictor, readPredictor } from "./kserve-version.ts";
import { markedModel } from "./marks.ts";

/** The Deployment of a predictor. */
export type Workload = {
  readonly name: string;
  readonly uri?: string;
  readonly model?: ServedModel;
  /** By its own counts: Ready of the InferenceService stays up while a new model crashes. */
  readonly state: "missing" | "rolling" | "ready" | "failed";
  readonly why?: string;
  readonly image?: string;
  readonly ready: number;
  readonly wanted: number;
};

export type CanaryEntry = {
  readonly name: string;
  readonly percent: number;
  readonly predictor: Predictor;
  /** `predictor` as it is written. */
  readonly object: JsonObject;
};

/** The second InferenceService. */
export type Twin = {
  readonly name: string;
  readonly predictor: Predictor;
  readonly object: JsonObject;
  readonly isLeaving: boolean;
};

/** Everything that a rollout in Standard mode is decided by. */
export type StandardState = {
  readonly name: string;
  readonly predictor: Predictor;
  /** The InferenceService as it is written. */
  readonly source: KubeObject;
  readonly canaries: readonly CanaryEntry[];
  readonly stable: Workload;
  readonly twin?: Twin;
  /** Of the canary entry, or of the second InferenceService. */
  readonly candidate?: Workload;
  /** Pods behind the candidate's Service that can answer. */
  readonly candidateEndpoints: number;
  /** KServe's own, which its weights must reach; undefined where it has none that leads to one of the arms. */
  readonly kserveRoute?: Route;
  /** Those that are ours to change: they lead to stable's Service, and KServe does not own them. */
  readonly ownRoutes: readonly Route[];
};

export type StandardObjects = {
  readonly isvc: KubeObject;
  readonly twin: KubeObject | undefined;
  readonly stable: KubeObject | undefined;
  readonly candidate: KubeObject | undefined;
  readonly routes: readonly KubeObject[];
  readonly slices: readonly KubeObject[];
  readonly namespace: string;
};

/** What KServe calls the Deployment and the Service of a predictor. */
export function workloadName(isvc: string, predictor: string | undefined): string {
  return predictor === undefined || predictor === "" ? `${isvc}-predictor` : `${isvc}-${predictor}-predictor`;
}

/** The Services of both arms. Without a candidate its name is that of no Service. */
export function backendsOf(
  isvc: KubeObject,
  twin: KubeObject | undefined,
): Readonly<Record<"stable" | "candidate", string>> {
  const name = textAt(isvc, ["metadata", "name"]) ?? "";
  const [canary] = canariesOf(isvc);
  const stable = workloadName(name, textAt(isvc, ["spec", "predictor", "name"]));
  if (canary !== undefined) return { stable, candidate: workloadName(name, canary.name) };
  return { stable, candidate: twin === undefined ? "" : workloadName(textAt(twin, ["metadata", "name"]) ?? "", "") };
}

export function readStandard(objects: StandardObjects): StandardState {
  const { isvc, twin, routes, slices, namespace } = objects;
  const backends = backendsOf(isvc, twin);
  const names: BackendNames = { ...backends, namespace };
  const name = textAt(isvc, ["metadata", "name"]) ?? "";
  const kserve = routes.find((one) => isOfKServe(one) && textAt(one, ["metadata", "name"]) === name);
  const kserveRoute = kserve === undefined ? undefined : readRoute(kserve, names);
  const ownRoutes = routes.filter((one) => !isOfKServe(one)).flatMap((one) => readRoute(one, names) ?? []);
  return {
    name,
    predictor: readPredictor(valueAt(isvc, ["spec", "predictor"])),
    source: isvc,
    canaries: canariesOf(isvc),
    stable: readWorkload(backends.stable, objects.stable),
    candidateEndpoints: slices.flatMap((slice) => listAt(slice, ["endpoints"])).filter(isAnswering).length,
    ownRoutes,
    ...(backends.candidate === "" ? {} : { candidate: readWorkload(backends.candidate, objects.candidate) }),
    ...(kserveRoute === undefined ? {} : { kserveRoute }),
    ...(twin === undefined ? {} : { twin: readTwin(twin) }),
  };
}

/** Undefined once the workload serves the version with all its pods. */
export function stillRolling(workload: Workload | undefined, version: Predictor, what: string): KServeAct | undefined {
  if (workload === undefined || workload.state === "missing")
    return waitFor(`KServe to make the Deployment of ${what}`);
  const isVersion = bearsVersion(workload, version);
  const why = workload.why === undefined ? "" : `: ${workload.why}`;
  if (isVersion && workload.state === "ready") return undefined;
  if (isVersion && workload.state === "failed")
    return failWith("COMMAND", {
      rule: `${what} of ${formatVersion(version)} did not become ready`,
      ...(workload.why === undefined ? {} : { saw: workload.why }),
    });
  return waitFor(
    isVersion ? `Deployment ${workload.name}${why}` : `Deployment ${workload.name} to have the new template`,
  );
}

/** Marks that reached the template tell the version; where they are kept back, the address does. */
export function bearsVersion(workload: Workload, { model, uri }: Pick<Predictor, "model" | "uri">): boolean {
  const isAddress = workload.uri === undefined || workload.uri === uri;
  if (model === undefined || workload.model === undefined) return isAddress && workload.uri !== undefined;
  return isAddress && isSameModel(workload.model, model);
}

/** What gateways still have to say of routes. */
export function stillRouting(routes: readonly Route[]): KServeAct | undefined {
  for (const { name, status } of routes)
    if (status.state !== "accepted") return waitFor(`the gateway of HTTPRoute ${name}: ${status.why}`);
  return undefined;
}

function canariesOf(isvc: KubeObject): readonly CanaryEntry[] {
  return listAt(isvc, ["spec", "canary"]).map((one) => ({
    name: textAt(one, ["predictor", "name"]) ?? "",
    percent: numberAt(one, ["trafficPercent"]) ?? 0,
    predictor: readPredictor(valueAt(one, ["predictor"])),
    object: recordAt(one, ["predictor"]),
  }));
}

function isOfKServe(route: KubeObject): boolean {
  return listAt(route, ["metadata", "ownerReferences"]).some((owner) => textAt(owner, ["kind"]) === "InferenceService");
}

function isAnswering(endpoint: unknown): boolean {
  return valueAt(endpoint as KubeObject, ["conditions", "ready"]) !== false;
}

function readTwin(twin: KubeObject): Twin {
  return {
    name: textAt(twin, ["metadata", "name"]) ?? "",
    predictor: readPredictor(valueAt(twin, ["spec", "predictor"])),
    object: recordAt(twin, ["spec", "predictor"]),
    isLeaving: textAt(twin, ["metadata", "deletionTimestamp"]) !== undefined,
  };
}

function readWorkload(name: string, deployment: KubeObject | undefined): Workload {
  if (deployment === undefined) return { name, state: "missing", ready: 0, wanted: 0 };
  const annotations = textsAt(deployment, ["spec", "template", "metadata", "annotations"]);
  const uri = annotations[SOURCE_ANNOTATION];
  const model = markedModel(annotations);
  const image = textAt(deployment, ["spec", "template", "spec", "containers", 0, "image"]);
  const status = deploymentStatus(deployment);
  const state = status.state === "ready" || status.state === "failed" ? status.state : "rolling";
  const why = whyOf(status);
  return {
    name,
    state,
    ready: numberAt(deployment, ["status", "availableReplicas"]) ?? 0,
    wanted: numberAt(deployment, ["spec", "replicas"]) ?? 1,
    ...(uri === undefined ? {} : { uri }),
    ...(model === undefined ? {} : { model }),
    ...(image === undefined ? {} : { image }),
    ...(why === undefined ? {} : { why }),
  };
}

function whyOf(status: ReturnType<typeof deploymentStatus>): string | undefined {
  switch (status.state) {
    case "ready":
      return undefined;
    case "failed":
      return status.why;
    case "rolling":
      return status.quota ?? status.message;
    default:
      return "its controller has not seen the change yet";
  }
}
