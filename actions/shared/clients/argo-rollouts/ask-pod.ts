import { conditionsOf, type KubeObject, listAt, textAt } from "../../domain/manifest/object.ts";
import { HASH_LABEL } from "../../domain/serving/argo-rollout.ts";
import { httpPort } from "../../domain/serving/http-port.ts";
import { servingContainer } from "../../domain/serving/pod-template.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { DirectAnswer } from "../../ports/serving.ts";
import { askService } from "../kubernetes/ask-service.ts";
import type { RolloutPlace } from "./place.ts";
import { readPods, readSeen } from "./read-objects.ts";

export type Question = { readonly path: string; readonly body: string | undefined };

/** Asks a pod of one template, once. Throws `UNAVAILABLE` where none is ready, or none answers. */
export async function askPod(place: RolloutPlace, hash: string, { path, body }: Question): Promise<DirectAnswer> {
  const { object } = await readSeen(place);
  const pod = (await readPods(place, object, hash)).find(isReady);
  if (pod === undefined) throw notReady(place, hash);
  const serving = servingContainer(pod, place.container) ?? listAt(pod, ["spec", "containers"])[0];
  const port = httpPort(listAt(serving, ["ports"]), "containerPort") ?? 8080;
  return await askService(place, { kind: "pod", name: textAt(pod, ["metadata", "name"]) ?? "", port, path, body });
}

function isReady(pod: KubeObject): boolean {
  return conditionsOf(pod).some(({ type, status }) => type === "Ready" && status === "True");
}

function notReady({ name, namespace }: RolloutPlace, hash: string): ReleaseError {
  return new ReleaseError("UNAVAILABLE", {
    rule: `no pod of Rollout ${name} with this template is ready to be asked`,
    saw: hash === "" ? "no such template yet" : `${HASH_LABEL}=${hash}`,
    hint: `see its pods: kubectl -n ${namespace} get pods -l ${HASH_LABEL}=${hash}`,
  });
}
