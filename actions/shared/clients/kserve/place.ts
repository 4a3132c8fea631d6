import type { ResourceType } from "../kubernetes/objects.ts";
import type { ServingPlace } from "../kubernetes/serving-place.ts";

/** An InferenceService, and what a rollout does with it. A serving runtime has an image of its own: that of the release does not run here. */
export type KServePlace = ServingPlace & {
  /** How long a server that splits traffic by spec.canary may take to write its route. Default 60 s. */
  readonly probeMs?: number;
};

const TYPES = {
  service: { group: "serving.kserve.io", version: "v1beta1", plural: "inferenceservices" },
  knative: { group: "serving.knative.dev", version: "v1", plural: "services" },
  revision: { group: "serving.knative.dev", version: "v1", plural: "revisions" },
  deployment: { group: "apps", version: "v1", plural: "deployments" },
  route: { group: "gateway.networking.k8s.io", version: "v1", plural: "httproutes" },
  slice: { group: "discovery.k8s.io", version: "v1", plural: "endpointslices" },
  account: { group: "", version: "v1", plural: "serviceaccounts" },
} as const satisfies Readonly<Record<string, ResourceType>>;

export function typeIn({ namespace }: Pick<KServePlace, "namespace">, kind: keyof typeof TYPES): ResourceType {
  return { ...TYPES[kind], namespace };
}
