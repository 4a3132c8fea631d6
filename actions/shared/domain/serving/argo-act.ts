import type { KubeObject } from "../manifest/object.ts";
import type { Problem } from "../problem.ts";
import { formatPercent } from "../quantity.ts";
import {
  type ArgoRollout,
  type FormerTemplate,
  formatPosition,
  hasCandidate,
  isFormerStable,
  isGoingBack,
  modelOf,
  shareInForce,
} from "./argo-rollout.ts";
import { hasDarkStart } from "./argo-steps.ts";
import { isSameTemplate } from "./same-template.ts";

/** What is to be reached. `candidate`: the template with the new version in it, where this process knows it. */
export type ArgoGoal =
  | { readonly goal: "stage"; readonly candidate: KubeObject }
  /** At once and for good, without the Rollout's steps. */
  | { readonly goal: "replace"; readonly candidate: KubeObject }
  | { readonly goal: "share"; readonly share: number; readonly candidate: KubeObject | undefined }
  | { readonly goal: "promote" }
  | { readonly goal: "remove" };

/** What this process saw and did for the goal already. */
export type ArgoMemory = {
  /** Requests under way were given time to end. */
  readonly isDrained: boolean;
  /** How long an abort has been in the status. */
  readonly abortedForMs: number;
};

/** A change of the Rollout itself. */
export type SpecAct =
  /** `spec.template`, and what it was before where that is not kept yet. */
  | { readonly do: "patch-template"; readonly template: KubeObject; readonly keep: "former" | "as-is" }
  | { readonly do: "unpause-and-restore"; readonly template: KubeObject }
  /** The end of a rollout of ours: what there was before is forgotten. */
  | { readonly do: "forget"; readonly marks: FormerTemplate["marks"] | undefined };

/** A change of its status, by which it is told what to do. */
export type StatusAct =
  /** The step that it waits at is over. */
  { readonly do: "continue"; readonly step: number } | { readonly do: "promote-full" } | { readonly do: "abort" };

/** One step on the way: at most one write, or one wait. */
export type ArgoAct =
  | { readonly do: "done" }
  | { readonly do: "wait"; readonly for: string }
  | { readonly do: "drain" }
  | { readonly do: "write"; readonly change: SpecAct | StatusAct }
  | { readonly do: "fail"; readonly code: "COMMAND" | "CONFLICT" | "REFUSED"; readonly problem: Problem };

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

const DONE: ArgoAct = { do: "done" };
/** An abort that has not taken the weight back after so long never will (a router with dynamicStableScale): the template before does. */
const ABORT_PATIENCE_MS = 30_000;

function stage(candidate: KubeObject, rollout: ArgoRollout, memory: ArgoMemory): ArgoAct {
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

function replace(candidate: KubeObject, rollout: ArgoRollout, memory: ArgoMemory): ArgoAct {
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

function raise(share: number, candidate: KubeObject | undefined, rollout: ArgoRollout): ArgoAct {
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
  if (isEqual(now, share)) return DONE;
  if (now > share)
    return fail("CONFLICT", rollout, {
      rule: `gives the candidate ${formatPercent(now)} where ${formatPercent(share)} was asked for: somebody else told it to go on`,
      hint: "a foreign change: look at who did it, then run the step again",
    });
  const at = stops.find((stop) => stop.step === step);
  if (at !== undefined && !isEqual(at.share, now))
    return fail("CONFLICT", rollout, {
      rule: `stops at ${formatPercent(at.share)}, and its router sends ${formatPercent(now)} to the candidate`,
      hint: "see the log of the controller: its traffic router does not do as it is told",
    });
  const isAhead = share >= 1 || stops.some((stop) => stop.step > step && isEqual(stop.share, share));
  if (isAhead) return write({ do: "continue", step });
  return fail("REFUSED", rollout, {
    rule: `never stops at ${formatPercent(share)}`,
    hint: "ask for shares that its own steps have: leave the input steps out",
  });
}

function lower(rollout: ArgoRollout, memory: ArgoMemory): ArgoAct {
  if (rollout.former === undefined) return DONE;
  const hasNone = isEqual(shareInForce(rollout), 0);
  if (isGoingBack(rollout)) return hasNone ? DONE : comeBack(rollout);
  const { at } = rollout.position;
  if (hasNone && (at === "aborted" || at === "stop")) return DONE;
  // Told to abort what it has not seen, the controller would forget that when it sees it; what is stable cannot be aborted; and while it is
  // paused by hand it scales nothing, aborted or not.
  const isDeaf = at === "unseen" || rollout.isPausedByHand || !isFormerStable(rollout);
  if (isDeaf || memory.abortedForMs >= ABORT_PATIENCE_MS) return restoreTemplate(rollout);
  return at === "aborted" ? waiting(rollout) : write({ do: "abort" });
}

function promote(rollout: ArgoRollout): ArgoAct {
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

function remove(rollout: ArgoRollout, memory: ArgoMemory): ArgoAct {
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
  const isAsBefore = position.at === "settled" && isFormerStable(rollout) && isEqual(shareInForce(rollout), 0);
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

function write(change: SpecAct | StatusAct): ArgoAct {
  return { do: "write", change };
}

function waiting(rollout: ArgoRollout): ArgoAct {
  return { do: "wait", for: formatPosition(rollout) };
}

/** It does not go on by itself. A person's abort has no reason in it; one of an analysis, or of the deadline, tells it. */
function stopped(rollout: ArgoRollout): ArgoAct {
  const message = formatPosition(rollout);
  switch (rollout.position.at) {
    case "aborted":
      if (!/revision \d+: ./.test(message))
        return fail("CONFLICT", rollout, {
          rule: "was aborted by somebody else",
          hint: "look at who did it; `mode: recover` brings the version before back into its spec",
        });
      return fail("COMMAND", rollout, { rule: "aborted the candidate", hint: "see its AnalysisRuns" });
    case "paused":
      return fail("CONFLICT", rollout, {
        rule: "waits for somebody else",
        hint: "an inconclusive analysis or a pause by hand: kubectl argo rollouts get rollout shows it",
      });
    default:
      return fail("COMMAND", rollout, { rule: "does not come up", hint: "see its pods and its events" });
  }
}

function foreignTemplate(rollout: ArgoRollout, candidate: KubeObject): ArgoAct {
  const [seen, wanted] = [modelOf(rollout.template), modelOf(candidate)];
  const isOther = seen?.digest !== wanted?.digest;
  return {
    do: "fail",
    code: "CONFLICT",
    problem: {
      rule: `Rollout ${rollout.name} has another pod template than the candidate's`,
      saw: isOther
        ? `one of ${seen === undefined ? "nobody of ours" : `${seen.name} ${seen.version}`}`
        : "the candidate's model with other settings",
      ...(wanted === undefined ? {} : { allowed: `${wanted.name} ${wanted.version} as it was begun` }),
      hint: "a foreign change: look at who made it (kubectl get rollout --show-managed-fields); `mode: abort` brings the version before back",
    },
  };
}

function fail(
  code: "COMMAND" | "CONFLICT" | "REFUSED",
  rollout: ArgoRollout,
  { rule, hint }: { readonly rule: string; readonly hint: string },
): ArgoAct {
  return { do: "fail", code, problem: { rule: `Rollout ${rollout.name} ${rule}`, saw: formatPosition(rollout), hint } };
}

/** The same version, whatever else is in the templates. */
function isSame(one: KubeObject, other: KubeObject): boolean {
  const [a, b] = [modelOf(one), modelOf(other)];
  return a !== undefined && b !== undefined && a.digest === b.digest && a.version === b.version;
}

function isEqual(one: number, other: number): boolean {
  return Math.abs(one - other) < 1e-9;
}
