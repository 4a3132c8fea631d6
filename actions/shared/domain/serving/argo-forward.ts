import type { KubeObject } from "../manifest/object.ts";
import { formatPercent } from "../quantity.ts";
import { isSameVersion } from "../rollout/same-version.ts";
import { type ArgoAct, type ArgoMemory, DONE, waiting, write } from "./argo-act.ts";
import { remove } from "./argo-back.ts";
import { type ArgoRollout, hasCandidate, isGoingBack, isSameShare, modelOf, shareInForce } from "./argo-rollout.ts";
import { hasDarkStart } from "./argo-steps.ts";
import { fail, foreignTemplate, stopped } from "./argo-stopped.ts";
import { isSameTemplate } from "./same-template.ts";

/** The candidate up without a share, where the steps of the Rollout have such a place. */
export function stage(candidate: KubeObject, rollout: ArgoRollout, memory: ArgoMemory): ArgoAct {
  if (isGoingBack(rollout)) return remove(rollout, memory);
  if (hasCandidate(rollout)) return standing(candidate, rollout);
  const ready = idle(rollout);
  if (ready !== undefined) return ready;
  // A Rollout that nothing was promoted in yet has nothing to stop at: Argo goes through its first template without steps.
  if (isSame(candidate, rollout.template) || !hasDarkStart(rollout.steps)) return DONE;
  return write({ do: "patch-template", template: candidate, keep: "former" });
}

/** A candidate that is in the spec already: adopted, once the Rollout waits for us. */
function standing(candidate: KubeObject, rollout: ArgoRollout): ArgoAct {
  if (!isSameTemplate(candidate, rollout.template)) return foreignTemplate(rollout, candidate);
  const { position } = rollout;
  switch (position.at) {
    case "unseen":
    case "moving":
      return waiting(rollout);
    case "stop":
    case "settled":
      return DONE;
    case "paused":
    case "aborted":
    case "failed":
      return stopped(rollout);
  }
}

/** A version in the place of what is stable, past all steps. */
export function replace(candidate: KubeObject, rollout: ArgoRollout, memory: ArgoMemory): ArgoAct {
  if (isGoingBack(rollout)) return remove(rollout, memory);
  if (!hasCandidate(rollout)) {
    if (isSame(candidate, rollout.template)) return settled(rollout) ?? DONE;
    const busy = rollout.currentHash === rollout.stableHash || rollout.stableHash === "" ? undefined : idle(rollout);
    return busy ?? write({ do: "patch-template", template: candidate, keep: "former" });
  }
  if (rollout.former !== undefined && isSame(candidate, rollout.former.template)) return remove(rollout, memory);
  if (!isSameTemplate(candidate, rollout.template)) return foreignTemplate(rollout, candidate);
  return promote(rollout);
}

/** From pause to pause, up to the wanted share. */
export function raise(share: number, candidate: KubeObject | undefined, rollout: ArgoRollout): ArgoAct {
  if (isGoingBack(rollout))
    return fail("CONFLICT", rollout, {
      rule: "is on its way back to the version before",
      hint: "another process takes the candidate back: run the step again when it is done",
    });
  if (!hasCandidate(rollout)) {
    if (candidate === undefined || isSame(candidate, rollout.template))
      return fail("REFUSED", rollout, { rule: "has no candidate that could get traffic", hint: "run the step again" });
    return idle(rollout) ?? write({ do: "patch-template", template: candidate, keep: "former" });
  }
  if (candidate !== undefined && !isSameTemplate(candidate, rollout.template))
    return foreignTemplate(rollout, candidate);
  const { position } = rollout;
  switch (position.at) {
    case "unseen":
    case "moving":
      return waiting(rollout);
    case "stop":
      return raiseAt(share, position.stop.step, rollout);
    case "settled":
      if (share >= 1) return DONE;
      return fail("CONFLICT", rollout, {
        rule: `was promoted by somebody else while the candidate was to have ${formatPercent(share)}`,
        hint: "a foreign change: look at who promoted it (kubectl argo rollouts get rollout)",
      });
    case "paused":
    case "aborted":
    case "failed":
      return stopped(rollout);
  }
}

/** It waits at a step: the wanted one, one before it, or, where somebody else told it to go on, one behind it. */
function raiseAt(share: number, step: number, rollout: ArgoRollout): ArgoAct {
  const { stops } = rollout.steps;
  const now = shareInForce(rollout);
  if (isSameShare(now, share)) return DONE;
  if (now > share)
    return fail("CONFLICT", rollout, {
      rule: `gives the candidate ${formatPercent(now)} where ${formatPercent(share)} was asked for: somebody else told it to go on`,
      hint: "a foreign change: look at who did it, then run the step again",
    });
  const at = stops.find((stop) => stop.step === step);
  if (at !== undefined && !isSameShare(at.share, now))
    return fail("CONFLICT", rollout, {
      rule: `stops at ${formatPercent(at.share)}, and its router sends ${formatPercent(now)} to the candidate`,
      hint: "see the log of the controller: its traffic router does not do as it is told",
    });
  const isAhead = share >= 1 || stops.some((stop) => stop.step > step && isSameShare(stop.share, share));
  if (isAhead) return write({ do: "continue", step });
  return fail("REFUSED", rollout, {
    rule: `never stops at ${formatPercent(share)}`,
    hint: "ask for shares that its own steps have: leave the input steps out",
  });
}

/** The candidate is stable, and what was before is forgotten. */
export function promote(rollout: ArgoRollout): ArgoAct {
  const { position, former, steps } = rollout;
  if (former === undefined) return DONE;
  if (isGoingBack(rollout))
    return fail("CONFLICT", rollout, {
      rule: "is on its way back to the version before",
      hint: "look at who takes the candidate back; deploy it again when that is done",
    });
  switch (position.at) {
    case "unseen":
    case "moving":
      return isPromotable(rollout) ? write({ do: "promote-full" }) : waiting(rollout);
    case "stop": {
      const isLast = position.stop.step >= (steps.stops.at(-1)?.step ?? 0);
      return isLast ? write({ do: "continue", step: position.stop.step }) : write({ do: "promote-full" });
    }
    case "settled":
      return write({ do: "forget", marks: former.marks });
    case "paused":
    case "aborted":
    case "failed":
      return stopped(rollout);
  }
}

/** Under way between two stops, and not yet told to take the rest in one. */
function isPromotable({ position, isPromotedFully, steps, step, currentHash, stableHash }: ArgoRollout): boolean {
  const hasStopAhead = steps.stops.some((stop) => stop.step > step);
  return position.at === "moving" && !isPromotedFully && currentHash !== stableHash && hasStopAhead;
}

/** Undefined where a candidate may begin: nothing is under way, and what is stable is well. */
function idle(rollout: ArgoRollout): ArgoAct | undefined {
  const { position, currentHash, stableHash } = rollout;
  if (position.at === "settled") return undefined;
  // Nobody has changed the template: a pod was moved, or an autoscaler did its work.
  const isStill = currentHash === stableHash && (position.at === "moving" || position.at === "unseen");
  if (isStill || stableHash === "") return waiting(rollout);
  return fail("CONFLICT", rollout, {
    rule: "must be Healthy before a candidate begins",
    hint: "bring its own update to an end first: kubectl argo rollouts promote, or abort and undo",
  });
}

/** What serves is the wanted version, and not all of it is there. */
function settled(rollout: ArgoRollout): ArgoAct | undefined {
  switch (rollout.position.at) {
    case "settled":
      return undefined;
    case "unseen":
    case "moving":
      return waiting(rollout);
    case "stop":
    case "paused":
    case "aborted":
    case "failed":
      return stopped(rollout);
  }
}

/** The same version, whatever else is in the templates. */
function isSame(one: KubeObject, other: KubeObject): boolean {
  const [a, b] = [modelOf(one), modelOf(other)];
  return a !== undefined && isSameVersion(a, b);
}
