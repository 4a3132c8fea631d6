import type { JsonObject } from "../canonical.ts";
import { DONE, failWith, type KServeAct, waitFor } from "./kserve-act.ts";
import {
  backTo,
  isInForce,
  isRestoring,
  type KnativeState,
  newestRevision,
  PROGRESS_DEADLINE,
  percentOn,
  type Revision,
  revisionNamed,
  TAG_ROUTING,
} from "./kserve-knative.ts";
import {
  type FormerVersion,
  foreignChange,
  formatVersion,
  formerMarks,
  isSameModel,
  predictorMarks,
  type WantedVersion,
} from "./kserve-version.ts";

/** Up beside stable, without any of its traffic. */
export function nextToStage(state: KnativeState, wanted: WantedVersion): KServeAct {
  const { predictor, name } = state;
  if (predictor.isForeign) return failWith("CONFLICT", foreignChange(name, predictor));
  if (predictor.model === undefined && predictor.percent !== undefined) return otherCanary(state);
  if (!isSameModel(predictor.model, wanted.model)) return start(state, wanted);
  const up = comingUp(state);
  if ("do" in up) return up;
  // What is rolled out already is left alone: KServe takes a percent for the wish to go back to the version before it.
  if (predictor.percent === undefined || predictor.percent === 100) return allOn(state, up);
  if (predictor.percent > 0) return DONE;
  const isGoingBack = state.rolledOut === up.name;
  const displaced = isGoingBack ? undefined : displacedStable(state);
  if (displaced !== undefined) return displaced;
  return !isGoingBack && hasAll(state, state.rolledOut)
    ? DONE
    : waitFor(`the route to leave everything with ${backTo(state)?.revision ?? "stable"}: ${formatTraffic(state)}`);
}

/** Serves without a rollout: the first version, one that is put back, or one that takes everything as soon as it is ready. */
export function nextToServe(state: KnativeState, wanted: WantedVersion): KServeAct {
  const { predictor, name } = state;
  if (predictor.isForeign) return failWith("CONFLICT", foreignChange(name, predictor));
  // Beside a candidate stable is what it was; where it was collected, it comes back when it is gone back to.
  if (predictor.percent !== undefined && isSameModel(backTo(state)?.model, wanted.model)) return DONE;
  if (!isSameModel(predictor.model, wanted.model)) {
    const former = serving(state);
    return {
      do: "patch",
      what: "service",
      says: `asked for ${formatVersion(wanted)} in the place of ${formatVersion(former ?? {})}`,
      // without a percent everything goes to the latest that is ready: beside a candidate that was taken back, to that one
      patch: patchOf(state, wanted, { former, percent: predictor.percent === undefined ? null : 0 }),
    };
  }
  if (predictor.percent !== undefined) return nextToPromote(state);
  const up = comingUp(state);
  return "do" in up ? up : allOn(state, up);
}

/** `percent` of 100 for the candidate, and the rest for stable: in force where the route says so. */
export function nextToSplit(state: KnativeState, model: ServedCandidate, percent: number): KServeAct {
  const { predictor, name } = state;
  if (percent === 0) return nextToLower(state);
  if (predictor.isForeign || !isSameModel(predictor.model, model))
    return failWith("CONFLICT", foreignChange(name, predictor));
  const up = comingUp(state);
  if ("do" in up) return up;
  const isRolledOut = state.rolledOut === up.name;
  if (isRolledOut && percent === 100) return allOn(state, up);
  if (isRolledOut || predictor.percent === undefined)
    return failWith("REFUSED", {
      rule: `${formatVersion(predictor)} serves everything already: KServe would take a percent for the wish to go back to the version before it`,
      saw: `latestRolledoutRevision ${state.rolledOut ?? "none"}, the newest one`,
      hint: "nothing is to be done; `mode: abort` goes back",
    });
  const displaced = percent < 100 ? displacedStable(state) : undefined;
  if (displaced !== undefined) return displaced;
  if (predictor.percent !== percent) return percentPatch(percent, `gave revision ${up.name} ${percent} %`);
  const isSplit = isInForce(state) && percentOn(state, up.name) === percent;
  return isSplit ? DONE : waitFor(`the route to give ${up.name} ${percent} %`);
}

type ServedCandidate = WantedVersion["model"];

/** The candidate for good: the percent goes away, and nothing else is touched. */
export function nextToPromote(state: KnativeState): KServeAct {
  const { predictor, name } = state;
  if (predictor.isForeign) return failWith("CONFLICT", foreignChange(name, predictor));
  const up = comingUp(state);
  if ("do" in up) return up;
  if (predictor.percent !== undefined) return percentPatch(null, `took the percent away: ${up.name} is stable`);
  return allOn(state, up);
}

/** Everything back to stable, and nothing of the rest of the spec touched: another address would load a model once more. */
export function nextToLower(state: KnativeState): KServeAct {
  const { predictor } = state;
  if (predictor.isForeign) return failWith("CONFLICT", foreignChange(state.name, predictor));
  if (predictor.percent === undefined) return settled(state);
  if (isRestoring(predictor)) return nextToPromote(state);
  // A percent of somebody else's.
  if (predictor.model === undefined) return DONE;
  const former = backTo(state);
  if (former === undefined)
    return {
      do: "done",
      note: `${formatVersion(predictor)} is the first that ever came up here: there is nothing that could take its traffic, and it goes on`,
    };
  const target = revisionNamed(state, former.revision);
  if (target === undefined) return redeploy(former);
  if (isOutOfReach(state, target))
    return state.knative?.isObserved === true ? redeploy(former) : waitFor("Knative to see its newest spec");
  if (predictor.percent !== 0) return percentPatch(0, `took everything back to ${target.name}`);
  // Of a version that had everything KServe first names the same revision twice, and only then the one before it.
  return hasAll(state, target.name)
    ? DONE
    : waitFor(`the route to give everything to ${target.name}: ${formatTraffic(state)}`);
}

/** The one patch of a start. `0`: a percent that was never above. */
function start(state: KnativeState, wanted: WantedVersion): KServeAct {
  const former = serving(state);
  const isFirst = state.rolledOut === undefined;
  return {
    do: "patch",
    what: "service",
    says: isFirst
      ? `asked for ${formatVersion(wanted)}: nothing was ever up here, so it takes everything as soon as it is ready`
      : `asked for ${formatVersion(wanted)} at 0 %`,
    // Where nothing is rolled out, no percent counts; 100 says the truth, and that a rollout is under way.
    patch: patchOf(state, wanted, { former, percent: isFirst ? 100 : 0 }),
  };
}

function patchOf(
  state: KnativeState,
  wanted: WantedVersion,
  { former, percent }: { readonly former: FormerVersion | undefined; readonly percent: number | null },
): JsonObject {
  return {
    metadata: { annotations: { [TAG_ROUTING]: "true", ...deadlineOf(state, wanted) } },
    spec: {
      predictor: {
        canaryTrafficPercent: percent,
        annotations: predictorMarks(wanted, former),
        model: { storageUri: wanted.uri },
      },
    },
  };
}

/** Knative gives a revision up after 600 s. One that the user set is longer for a reason. */
const KNATIVE_DEADLINE_S = 600;

function deadlineOf({ annotations }: KnativeState, { readySeconds }: WantedVersion): JsonObject {
  const set = Number(/^(\d+)s$/.exec(annotations[PROGRESS_DEADLINE] ?? "")?.[1] ?? KNATIVE_DEADLINE_S);
  const isSetOtherwise = annotations[PROGRESS_DEADLINE] !== undefined && !/^\d+s$/.test(annotations[PROGRESS_DEADLINE]);
  return isSetOtherwise || readySeconds <= set ? {} : { [PROGRESS_DEADLINE]: `${Math.ceil(readySeconds)}s` };
}

function percentPatch(percent: number | null, says: string): KServeAct {
  return { do: "patch", what: "service", says, patch: { spec: { predictor: { canaryTrafficPercent: percent } } } };
}

/** What everything goes to now: where the next rollout goes back to. */
function serving(state: KnativeState): FormerVersion | undefined {
  const revision = revisionNamed(state, state.rolledOut);
  if (revision === undefined) {
    // never rolled out, or collected in the meantime: the address is all there is
    if (state.rolledOut === undefined || state.predictor.uri === undefined) return undefined;
    return { uri: state.predictor.uri, ...modelOf(state.predictor) };
  }
  const uri = revision.uri ?? state.predictor.uri;
  return uri === undefined ? undefined : { uri, revision: revision.name, ...modelOf(revision) };
}

function modelOf({ model }: { readonly model?: WantedVersion["model"] }) {
  return model === undefined ? {} : { model };
}

/** The revision of the spec once it is ready; before that what is to be done about it. */
function comingUp(state: KnativeState): Revision | KServeAct {
  const { knative, name } = state;
  if (knative === undefined) return waitFor(`KServe to make Knative Service ${name}-predictor`);
  const newest = newestRevision(state);
  if (newest === undefined)
    return waitFor(
      `a revision of ${formatVersion(state.predictor)}${knative.trouble === undefined ? "" : ` (${knative.trouble})`}`,
    );
  if (newest.state === "failed")
    return failWith("COMMAND", {
      rule: `revision ${newest.name} of ${formatVersion(state.predictor)} did not become ready`,
      ...(newest.why === undefined ? {} : { saw: newest.why }),
    });
  // a later one may be ready before: `latestRevision` leads to what is ready
  if (newest.state === "starting" || knative.ready !== newest.name)
    return waitFor(`revision ${newest.name} to be ready${newest.why === undefined ? "" : `: ${newest.why}`}`);
  return newest;
}

function allOn(state: KnativeState, { name }: Revision): KServeAct {
  return hasAll(state, name) ? DONE : waitFor(`the route to give everything to ${name}`);
}

/** Nothing is under way: what the spec asks for has everything, or will have it. */
function settled(state: KnativeState): KServeAct {
  const up = comingUp(state);
  if (!("do" in up)) return allOn(state, up);
  // What fails now failed by itself: a rollout that is none cannot be taken back.
  return up.do === "fail" ? { do: "done", note: `${up.problem.rule}: ${up.problem.saw ?? "it does not say why"}` } : up;
}

/** Somebody else's rollout, by hand or from a repository. */
function otherCanary({ name, predictor }: KnativeState): KServeAct {
  return failWith("CONFLICT", {
    rule: "one rollout at a time",
    saw: `canaryTrafficPercent ${predictor.percent}, which nobody of ours has set`,
    hint: `bring it to its end: kubectl patch isvc ${name} --type merge -p '{"spec":{"predictor":{"canaryTrafficPercent":null}}}' makes the newest version stable`,
  });
}

function hasAll(state: KnativeState, revision: string | undefined): boolean {
  return revision !== undefined && isInForce(state) && percentOn(state, revision) === 100;
}

/** KServe can take another revision for the one before than the rollout began with: then a share below 100 would feed that one. */
function displacedStable(state: KnativeState): KServeAct | undefined {
  const former = backTo(state);
  if (former?.revision === undefined || state.rolledOut === former.revision) return undefined;
  return failWith("COMMAND", {
    rule: "KServe must send what the candidate does not get to the version that served before",
    saw: `latestRolledoutRevision ${state.rolledOut ?? "none"}`,
    allowed: former.revision,
    hint: "the rollout goes back to that version by its storage address",
  });
}

/** A percent of 0 leads to it only as long as KServe remembers it. */
function isOutOfReach(state: KnativeState, target: Revision): boolean {
  if (state.rolledOut === target.name) return false;
  const hadEverything = state.rolledOut !== undefined && state.rolledOut === state.knative?.created;
  return !(hadEverything && state.previous === target.name);
}

/** Its revision is gone, or out of KServe's mind: the same model once more, which takes everything when it is ready. */
function redeploy(former: FormerVersion): KServeAct {
  return {
    do: "patch",
    what: "service",
    says: `asked for ${formatVersion(former)} once more: its revision ${former.revision ?? ""} cannot be gone back to`,
    patch: {
      spec: {
        predictor: {
          // the percent goes away once it is ready: until then the candidate would be the latest that is
          canaryTrafficPercent: 0,
          annotations: formerMarks(former),
          model: { storageUri: former.uri },
        },
      },
    },
  };
}

function formatTraffic({ knative }: KnativeState): string {
  const said = (knative?.traffic ?? []).map(({ revision, percent }) => `${revision} ${percent} %`);
  return said.length === 0 ? "no traffic yet" : said.join(", ");
}
