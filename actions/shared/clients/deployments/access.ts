import type { Access } from "../../domain/manifest/access.ts";
import { CAPACITY_ACCESS, ENDPOINTS_ACCESS, ROLLOUT_STATUS_ACCESS } from "../kubernetes/access.ts";

const GATEWAY = "gateway.networking.k8s.io";

/** Everything that is done for the target `deployment/NAME`: the Role that it needs, and what the access review asks for. */
export const DEPLOYMENT_ACCESS: readonly Access[] = [
  {
    group: "apps",
    resource: "deployments",
    verbs: ["get", "create", "patch", "delete"],
    scope: "namespace",
    need: "required",
    purpose: "make the candidate beside the Deployment, give the Deployment its version, remove the candidate",
  },
  {
    group: "",
    resource: "services",
    verbs: ["get", "list", "create", "patch", "delete"],
    scope: "namespace",
    need: "required",
    purpose:
      "find the service, make one for the candidate; where no HTTPRoute splits, send everything to the candidate",
  },
  {
    group: GATEWAY,
    resource: "httproutes",
    verbs: ["list", "patch"],
    scope: "namespace",
    need: "required",
    purpose: "find the routes to the service and set their weights",
  },
  ...ENDPOINTS_ACCESS,
  {
    group: "autoscaling",
    resource: "horizontalpodautoscalers",
    verbs: ["list", "patch"],
    scope: "namespace",
    need: "required",
    purpose: "keep the autoscaler from taking pods of stable while the candidate has its traffic",
  },
  {
    group: "",
    resource: "pods",
    verbs: ["patch"],
    scope: "namespace",
    need: "required",
    purpose: "let the service send to a candidate pod, where no HTTPRoute splits",
  },
  {
    group: "",
    resource: "services/proxy",
    verbs: ["get", "create"],
    scope: "namespace",
    need: "required",
    purpose: "ask each version by itself: smoke test and warm-up",
  },
  ...ROLLOUT_STATUS_ACCESS.filter(({ resource }) => resource !== "deployments"),
  ...CAPACITY_ACCESS,
];
