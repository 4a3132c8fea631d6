import type { ResourceType } from "../kubernetes/objects.ts";
import type { ServingPlace } from "../kubernetes/serving-place.ts";

/** A Rollout that serves a model, and what is done with it. */
export type RolloutPlace = ServingPlace & {
  /** The container that serves; absent: the only one. */
  readonly container?: string | undefined;
};

const TYPES = {
  rollout: { group: "argoproj.io", version: "v1alpha1", plural: "rollouts" },
  analysis: { group: "argoproj.io", version: "v1alpha1", plural: "analysisruns" },
  set: { group: "apps", version: "v1", plural: "replicasets" },
  pod: { group: "", version: "v1", plural: "pods" },
} as const;

export function typeIn({ namespace }: Pick<RolloutPlace, "namespace">, kind: keyof typeof TYPES): ResourceType {
  return { ...TYPES[kind], namespace };
}
