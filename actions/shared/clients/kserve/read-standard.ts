import { type KubeObject, textAt } from "../../domain/manifest/object.ts";
import { backendsOf, readStandard, type StandardState } from "../../domain/serving/kserve-standard.ts";
import { BESIDE_LABEL } from "../../domain/serving/kserve-twin-next.ts";
import { getObject, listObjects } from "../kubernetes/objects.ts";
import { type KServePlace, typeIn } from "./place.ts";
import { readService } from "./read-service.ts";

export type StandardSeen = {
  readonly isvc: KubeObject;
  readonly twin: KubeObject | undefined;
  readonly state: StandardState;
};

/** The InferenceServices first: what is made from them can only be newer. */
export async function readStandardState(place: KServePlace): Promise<StandardSeen> {
  const { connection, name, namespace } = place;
  const list = async (kind: Parameters<typeof typeIn>[1], labels?: string) =>
    (await listObjects(connection, typeIn(place, kind), labels === undefined ? {} : { labels }))?.items ?? [];
  const [isvc, twins] = await Promise.all([readService(place), list("service", `${BESIDE_LABEL}=${name}`)]);
  const twin = twins.toSorted((a, b) => nameOf(a).localeCompare(nameOf(b))).at(0);
  const { stable, candidate } = backendsOf(isvc, twin);
  const [stableDeployment, candidateDeployment, routes, slices] = await Promise.all([
    getObject(connection, typeIn(place, "deployment"), stable),
    candidate === "" ? undefined : getObject(connection, typeIn(place, "deployment"), candidate),
    list("route"),
    candidate === "" ? [] : list("slice", `kubernetes.io/service-name=${candidate}`),
  ]);
  const objects = { isvc, twin, stable: stableDeployment, candidate: candidateDeployment, routes, slices, namespace };
  return { isvc, twin, state: readStandard(objects) };
}

function nameOf(object: KubeObject): string {
  return textAt(object, ["metadata", "name"]) ?? "";
}
