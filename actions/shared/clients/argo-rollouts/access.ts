import type { Access } from "../../domain/manifest/access.ts";
import { CAPACITY_ACCESS, POD_ACCESS } from "../kubernetes/access.ts";

const ARGO = "argoproj.io";

/** Everything that is done for the target `rollout/NAME`: the Role that it needs, and what the access review asks for. */
export const ROLLOUT_ACCESS: readonly Access[] = [
  {
    group: ARGO,
    resource: "rollouts",
    verbs: ["get", "patch"],
    scope: "namespace",
    need: "required",
    purpose: "follow the Rollout, give it the candidate's pod template and the one before",
  },
  {
    group: ARGO,
    resource: "rollouts/status",
    verbs: ["patch"],
    scope: "namespace",
    need: "required",
    purpose: "tell it to go on from a pause, to abort, to promote",
  },
  {
    group: "apps",
    resource: "replicasets",
    verbs: ["list"],
    scope: "namespace",
    need: "required",
    purpose: "tell the pods of the candidate from those of stable, and find the template to go back to",
  },
  {
    group: "",
    resource: "pods/proxy",
    verbs: ["get", "create"],
    scope: "namespace",
    need: "required",
    purpose: "ask each version by itself: smoke test and warm-up",
  },
  {
    group: ARGO,
    resource: "analysisruns",
    verbs: ["get"],
    scope: "namespace",
    need: "optional",
    purpose: "say which metric of an analysis failed, and with what value",
    loss: "an analysis that failed is named without its measurements",
  },
  ...POD_ACCESS,
  ...CAPACITY_ACCESS,
];
