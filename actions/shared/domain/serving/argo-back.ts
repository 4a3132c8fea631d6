import { type ArgoAct, type ArgoMemory, DONE, waiting, write } from "./argo-act.ts";
import {
  type ArgoRollout,
  hasCandidate,
  isFormerStable,
  isGoingBack,
  isSameShare,
  shareInForce,
} from "./argo-rollout.ts";
import { stopped } from "./argo-stopped.ts";

/** An abort that has not taken the weight back after so long never will (a router with dynamicStableScale): the template before does. */
const ABORT_PATIENCE_MS = 30_000;

/** Nothing for the candidate, at once. */
export function lower(rollout: ArgoRollout, memory: ArgoMemory): ArgoAct {
  if (rollout.former === undefined) return DONE;
  const hasNone = isSameShare(shareInForce(rollout), 0);
  if (isGoingBack(rollout)) return hasNone ? DONE : comeBack(rollout);
  const { at } = rollout.position;
  if (hasNone && (at === "aborted" || at === "stop")) return DONE;
  // Told to abort what it has not seen, the controller would forget that when it sees it; what is stable cannot be aborted; and while it is
  // paused by hand it scales nothing, aborted or not.
  const isDeaf = at === "unseen" || rollout.isPausedByHand || !isFormerStable(rollout);
  if (isDeaf || memory.abortedForMs >= ABORT_PATIENCE_MS) return restoreTemplate(rollout);
  return at === "aborted" ? waiting(rollout) : write({ do: "abort" });
}

/** Everything as it was before the candidate. */
export function remove(rollout: ArgoRollout, memory: ArgoMemory): ArgoAct {
  if (rollout.former === undefined) return DONE;
  if (hasCandidate(rollout)) {
    const lowering = lower(rollout, memory);
    if (lowering.do !== "done") return lowering;
    return memory.isDrained ? restoreTemplate(rollout) : { do: "drain" };
  }
  return comeBack(rollout);
}

/** The template before is in the spec: until all pods are of it, and no request goes elsewhere. */
function comeBack(rollout: ArgoRollout): ArgoAct {
  const { position } = rollout;
  const isAsBefore = position.at === "settled" && isFormerStable(rollout) && isSameShare(shareInForce(rollout), 0);
  if (isAsBefore) return write({ do: "forget", marks: undefined });
  switch (position.at) {
    case "unseen":
    case "settled":
      return waiting(rollout);
    case "moving":
    case "stop":
      // It takes the way back for one more release, with all of its steps.
      return isFormerStable(rollout) || rollout.isPromotedFully ? waiting(rollout) : write({ do: "promote-full" });
    case "paused":
      if (rollout.isPausedByHand) return restoreTemplate(rollout);
      return isFormerStable(rollout) ? waiting(rollout) : write({ do: "promote-full" });
    case "aborted":
    case "failed":
      return stopped(rollout);
  }
}

function restoreTemplate(rollout: ArgoRollout): ArgoAct {
  const template = rollout.former?.template ?? rollout.template;
  if (rollout.isPausedByHand) return write({ do: "unpause-and-restore", template });
  return write({ do: "patch-template", template, keep: "as-is" });
}
