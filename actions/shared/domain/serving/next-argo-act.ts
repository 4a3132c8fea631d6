import type { ArgoAct, ArgoGoal, ArgoMemory } from "./argo-act.ts";
import { lower, remove } from "./argo-back.ts";
import { promote, raise, replace, stage } from "./argo-forward.ts";
import type { ArgoRollout } from "./argo-rollout.ts";

/** The first thing that is still to be done. Applied again and again it comes to `done`, from wherever a killed process left the Rollout. */
export function nextArgoAct(goal: ArgoGoal, rollout: ArgoRollout, memory: ArgoMemory): ArgoAct {
  switch (goal.goal) {
    case "stage":
      return stage(goal.candidate, rollout, memory);
    case "replace":
      return replace(goal.candidate, rollout, memory);
    case "share":
      return goal.share > 0 ? raise(goal.share, goal.candidate, rollout) : lower(rollout, memory);
    case "promote":
      return promote(rollout);
    case "remove":
      return remove(rollout, memory);
  }
}
