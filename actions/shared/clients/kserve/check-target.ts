import { type KubeObject, textAt, valueAt } from "../../domain/manifest/object.ts";
import type { Problem } from "../../domain/problem.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import { foreignChange, readPredictor } from "../../domain/serving/kserve-version.ts";
import { isReleaseError } from "../../lib/error.ts";
import { GUARD_ACCESS } from "../kubernetes/access.ts";
import { accessFindings } from "../kubernetes/access-findings.ts";
import { getObject } from "../kubernetes/objects.ts";
import { kserveAccess } from "./access.ts";
import { type KServePlace, typeIn } from "./place.ts";
import { readRoom } from "./read-room.ts";
import { type KServeMode, modeOf, readService } from "./read-service.ts";
import { readStandardState } from "./read-standard.ts";

/** Everything that would keep a version from being served, found before anything is changed. */
export async function checkTarget(place: KServePlace, model: ServedModel): Promise<readonly Problem[]> {
  const found = await findTarget(place);
  if ("problems" in found) return found.problems;
  const { isvc, mode } = found;
  const uri = await place.uriOf(model);
  const [access, account, routes, room] = await Promise.all([
    accessFindings(place.connection, [...kserveAccess(mode), ...GUARD_ACCESS], place.namespace),
    accountProblems(place, isvc),
    mode === "standard" ? routeProblems(place) : [],
    roomProblems(place, isvc, mode),
  ]);
  return [
    ...access.problems,
    ...predictorProblems(place, isvc, mode),
    ...uriProblems(uri),
    ...account,
    ...routes,
    ...room,
  ];
}

type Found = { readonly isvc: KubeObject; readonly mode: KServeMode } | { readonly problems: readonly Problem[] };

async function findTarget(place: KServePlace): Promise<Found> {
  try {
    const isvc = await readService(place);
    return { isvc, mode: modeOf(isvc) };
  } catch (error) {
    if (!isReleaseError(error, "NOT_FOUND", "CONFIG", "REFUSED", "AUTH")) throw error;
    return { problems: error.problems };
  }
}

function predictorProblems({ name }: KServePlace, isvc: KubeObject, mode: KServeMode): readonly Problem[] {
  const where = { input: "target" };
  const predictor = readPredictor(valueAt(isvc, ["spec", "predictor"]));
  const problems: Problem[] = [];
  if (predictor.uri === undefined)
    problems.push({
      rule: "the predictor must load its model from an address that a release can change",
      where,
      saw: `InferenceService ${name} without spec.predictor.model.storageUri`,
      hint: "serve the model by spec.predictor.model with storageUri; `storage`, `storageUris` and predictors of one's own containers name no version",
    });
  if (predictor.isForeign) problems.push(foreignChange(name, predictor));
  const beside = ["transformer", "explainer"].filter((part) => valueAt(isvc, ["spec", part]) !== undefined);
  if (mode === "standard" && beside.length > 0)
    problems.push({
      rule: "in Standard mode a candidate's share goes past everything that stands before the predictor",
      where,
      saw: `spec.${beside.join(", spec.")}`,
      hint: "serve it in Knative mode: there the split stands before them",
    });
  return problems;
}

const READABLE = /^(s3|gs|hf|pvc|https?|abfss?|wasbs?|azure|hdfs|webhdfs|oci|git):\/\//;

function uriProblems(uri: string): readonly Problem[] {
  if (READABLE.test(uri)) return [];
  return [
    {
      rule: "KServe must be able to fetch the model by its address in the store",
      where: { input: "store" },
      saw: uri,
      allowed: "s3://, gs://, https:// and other addresses that its storage initializer knows",
      hint: "keep the models in a store that the cluster can reach: store: s3://bucket/models",
    },
  ];
}

async function accountProblems(place: KServePlace, isvc: KubeObject): Promise<readonly Problem[]> {
  const name = accountOf(isvc);
  try {
    if ((await getObject(place.connection, typeIn(place, "account"), name)) !== undefined) return [];
  } catch (error) {
    if (isReleaseError(error, "AUTH")) return [];
    throw error;
  }
  return [
    {
      rule: `the pods of InferenceService ${place.name} run as a service account that must be there`,
      where: { input: "target" },
      saw: `no ServiceAccount ${name} in the namespace ${place.namespace}`,
      hint: "create it, with the secret or the cloud role that may read the store",
    },
  ];
}

export function accountOf(isvc: KubeObject): string {
  return textAt(isvc, ["spec", "predictor", "serviceAccountName"]) ?? "default";
}

/** What a process before this one began has its room. */
async function roomProblems(place: KServePlace, isvc: KubeObject, mode: KServeMode): Promise<readonly Problem[]> {
  const isUnderWay =
    mode === "knative"
      ? readPredictor(valueAt(isvc, ["spec", "predictor"])).percent !== undefined
      : (await readStandardState(place)).state.candidate !== undefined;
  return isUnderWay ? [] : ((await readRoom(place, isvc))?.problems ?? []);
}

async function routeProblems(place: KServePlace): Promise<readonly Problem[]> {
  const { state } = await readStandardState(place);
  if (state.kserveRoute !== undefined || state.ownRoutes.length > 0) return [];
  return [
    {
      rule: "traffic is split by an HTTPRoute of the Gateway API: there must be one that leads to the predictor",
      where: { input: "target" },
      saw: `none with a backendRef to ${state.stable.name}`,
      hint: `turn on enableGatewayApi of KServe, or create a route: { parentRefs: [{ name: YOUR_GATEWAY }], hostnames: [${place.name}.example.com], rules: [{ backendRefs: [{ name: ${state.stable.name}, port: 80 }] }] }`,
    },
  ];
}
