import { type KubeObject, textAt } from "../../domain/manifest/object.ts";
import { ReleaseError } from "../../lib/error.ts";
import { getObject } from "../kubernetes/objects.ts";
import { type KServePlace, typeIn } from "./place.ts";

/** How KServe runs it: fixed once its status says so. The annotation and the installation's default may say something else. */
export type KServeMode = "knative" | "standard";

/** The InferenceService. Throws `NOT_FOUND` where there is none: what it serves with is not for a release to invent. */
export async function readService(place: KServePlace): Promise<KubeObject> {
  const isvc = await getObject(place.connection, typeIn(place, "service"), place.name);
  if (isvc !== undefined) return isvc;
  const { name, namespace } = place;
  throw new ReleaseError("NOT_FOUND", {
    rule: "the target must be there: a rollout changes an InferenceService that has a predictor",
    where: { input: "target" },
    saw: `no InferenceService ${name} in the namespace ${namespace}`,
    hint: `apply one once, with the runtime, resources and storage address of a first model: { apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, metadata: { name: ${name}, namespace: ${namespace} }, spec: { predictor: { model: { modelFormat: { name: onnx }, storageUri: s3://bucket/model } } } }`,
  });
}

const MODES: Readonly<Record<string, KServeMode>> = {
  Knative: "knative",
  Serverless: "knative",
  Standard: "standard",
  RawDeployment: "standard",
};

export function modeOf(isvc: KubeObject): KServeMode {
  const said = textAt(isvc, ["status", "deploymentMode"]);
  const mode = said === undefined ? undefined : MODES[said];
  if (mode !== undefined) return mode;
  throw new ReleaseError(said === undefined ? "CONFIG" : "REFUSED", {
    rule: "the InferenceService must run in Knative or Standard mode",
    where: { input: "target" },
    saw:
      said === undefined ? "no status.deploymentMode: no controller has looked at it" : `status.deploymentMode ${said}`,
    hint:
      said === undefined
        ? "see whether KServe's controller runs, and whether it takes this object (kubectl describe isvc)"
        : "serve the model by an InferenceService in one of these modes",
  });
}
