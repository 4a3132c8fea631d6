import type { ChangedKind } from "../../domain/serving/deployment-change.ts";
import type { ResourceType } from "../kubernetes/objects.ts";
import type { ServingPlace } from "../kubernetes/serving-place.ts";

/** A Deployment that serves a model, and what a rollout does with it. */
export type DeploymentPlace = ServingPlace & {
  /** The container that serves; absent: the only one. */
  readonly container?: string | undefined;
  /** The service that users reach it by; absent: the one that chooses its pods. */
  readonly service?: string | undefined;
  /** `canary`: a second Deployment beside it. The others replace the version in place; `recreate` ends the old pods first. */
  readonly strategy: "canary" | "rolling" | "recreate";
};

type Kind = ChangedKind | "slice";

const TYPES: Readonly<Record<Kind, Omit<ResourceType, "namespace">>> = {
  deployment: { group: "apps", version: "v1", plural: "deployments" },
  service: { group: "", version: "v1", plural: "services" },
  route: { group: "gateway.networking.k8s.io", version: "v1", plural: "httproutes" },
  autoscaler: { group: "autoscaling", version: "v2", plural: "horizontalpodautoscalers" },
  slice: { group: "discovery.k8s.io", version: "v1", plural: "endpointslices" },
  pod: { group: "", version: "v1", plural: "pods" },
};

export function typeIn({ namespace }: Pick<DeploymentPlace, "namespace">, kind: Kind): ResourceType {
  return { ...TYPES[kind], namespace };
}
