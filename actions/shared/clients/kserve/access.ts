import type { Access } from "../../domain/manifest/access.ts";
import { CAPACITY_ACCESS, ENDPOINTS_ACCESS, POD_ACCESS, STORAGE_ACCESS } from "../kubernetes/access.ts";
import type { KServeMode } from "./read-service.ts";

const SERVING: readonly Access[] = [
  {
    group: "serving.kserve.io",
    resource: "inferenceservices",
    verbs: ["get", "patch"],
    scope: "namespace",
    need: "required",
    purpose: "read what serves, put a version beside it, set its share, make it stable",
  },
  {
    group: "",
    resource: "services/proxy",
    verbs: ["get", "create"],
    scope: "namespace",
    need: "required",
    purpose: "ask each version by itself: smoke test and warm-up",
  },
  ...STORAGE_ACCESS,
  ...CAPACITY_ACCESS,
  ...POD_ACCESS,
];

const KNATIVE: readonly Access[] = [
  {
    group: "serving.knative.dev",
    resource: "services",
    verbs: ["get"],
    scope: "namespace",
    need: "required",
    purpose: "see which revision gets how much, which no other status tells",
  },
  {
    group: "serving.knative.dev",
    resource: "revisions",
    verbs: ["list", "patch"],
    scope: "namespace",
    need: "required",
    purpose: "see whether a revision is ready, and mark one that was taken back",
  },
];

const STANDARD: readonly Access[] = [
  {
    group: "serving.kserve.io",
    resource: "inferenceservices",
    verbs: ["list", "create", "delete"],
    scope: "namespace",
    need: "required",
    purpose: "find, make and remove a second InferenceService, where KServe splits no traffic",
  },
  {
    group: "apps",
    resource: "deployments",
    verbs: ["get"],
    scope: "namespace",
    need: "required",
    purpose: "see whether the pods of a version serve, which Ready does not tell",
  },
  {
    group: "gateway.networking.k8s.io",
    resource: "httproutes",
    verbs: ["list", "patch"],
    scope: "namespace",
    need: "required",
    purpose: "see which version gets how much; where KServe splits no traffic, set the weights",
  },
  ...ENDPOINTS_ACCESS,
];

/** Everything that is done for the target `kserve/NAME`: the Role that it needs, and what the access review asks for. Without a mode: for both. */
export function kserveAccess(mode?: KServeMode): readonly Access[] {
  return [...SERVING, ...(mode === "standard" ? [] : KNATIVE), ...(mode === "knative" ? [] : STANDARD)];
}
