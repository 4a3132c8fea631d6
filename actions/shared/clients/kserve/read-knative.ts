import { type KubeObject, textAt } from "../../domain/manifest/object.ts";
import { type KnativeState, readKnative } from "../../domain/serving/kserve-knative.ts";
import { getObject, listObjects } from "../kubernetes/objects.ts";
import { type KServePlace, typeIn } from "./place.ts";
import { readService } from "./read-service.ts";

export type KnativeSeen = { readonly isvc: KubeObject; readonly state: KnativeState };

/** The InferenceService first: what is made from it can only be newer. */
export async function readKnativeState(place: KServePlace): Promise<KnativeSeen> {
  const isvc = await readService(place);
  const name = `${textAt(isvc, ["metadata", "name"])}-predictor`;
  const [service, listed] = await Promise.all([
    getObject(place.connection, typeIn(place, "knative"), name),
    listObjects(place.connection, typeIn(place, "revision"), { labels: `serving.knative.dev/service=${name}` }),
  ]);
  return { isvc, state: readKnative({ isvc, service, revisions: listed?.items ?? [] }) };
}
