import type { JsonObject } from "../canonical.ts";
import { valueAt } from "../manifest/object.ts";
import type { ServedModel } from "../rollout/journal-entry.ts";
import { routedShare } from "./http-route.ts";
import { DONE, failWith, type KServeAct, type KServeMemory, waitFor } from "./kserve-act.ts";
import { type CanaryEntry, type StandardState, stillRolling, stillRouting, workloadName } from "./kserve-standard.ts";
import {
  foreignChange,
  formatVersion,
  isSameModel,
  predictorMarks,
  versionLabel,
  type WantedVersion,
} from "./kserve-version.ts";

/** How long a server that splits takes to write its route. */
const PROBE_MS = 60_000;

/**
 * A canary entry at 0 % whose pods serve, and a route that knows it. The entry's status repeats the spec whatever happens: only the
 * HTTPRoute says whether this server splits at all.
 */
export function nextToStageCanary(state: StandardState, wanted: WantedVersion, memory: KServeMemory): KServeAct {
  const entry = ownEntry(state);
  const foreign = foreignIn(state, entry);
  if (foreign !== undefined) return foreign;
  if (isSameModel(state.predictor.model, wanted.model)) return rolled(state);
  if (entry === undefined) return addEntry(state, wanted);
  if (!isSameModel(entry.predictor.model, wanted.model)) return nextToDropCanary(state, memory);
  const up = stillRolling(state.candidate, entry.predictor, `canary ${entry.name}`);
  if (up !== undefined) return up;
  if (isOnRoute(state)) return stillRouting(routesOf(state)) ?? DONE;
  return unrouted(state, entry, memory);
}

/** Pods first, then the weight: a canary has no autoscaler. */
export function nextToSplitCanary(
  state: StandardState,
  { model, percent }: { readonly model: ServedModel; readonly percent: number },
  memory: KServeMemory,
): KServeAct {
  if (percent === 0) return nextToLowerCanary(state);
  const entry = ownEntry(state);
  const foreign = foreignIn(state, entry);
  if (foreign !== undefined) return foreign;
  if (entry === undefined || !isSameModel(entry.predictor.model, model))
    return isSameModel(state.predictor.model, model) && percent === 100 ? rolled(state) : gone(entry, model);
  const replicas = Math.max(1, Math.ceil((state.predictor.minReplicas * percent) / 100));
  if (percent > entry.percent && entry.predictor.minReplicas < replicas)
    return entryPatch(
      entry,
      { replicas },
      `asked for ${replicas} replicas of canary ${entry.name}, before its share grows`,
    );
  const up = stillRolling(state.candidate, entry.predictor, `canary ${entry.name}`);
  if (up !== undefined) return up;
  if (entry.percent !== percent) return entryPatch(entry, { percent }, `gave canary ${entry.name} ${percent} %`);
  const isSplit = isOnRoute(state) && isShare(state, percent);
  if (isSplit) return stillRouting(routesOf(state)) ?? DONE;
  return isOnRoute(state)
    ? waitFor(`HTTPRoute ${state.name} to give canary ${entry.name} ${percent} %`)
    : unrouted(state, entry, memory);
}

/** One patch that makes the canary's pods stable's: the name goes over, and so nothing restarts. */
export function nextToPromoteCanary(state: StandardState, { isDrained }: KServeMemory): KServeAct {
  const entry = ownEntry(state);
  const foreign = foreignIn(state, entry);
  if (foreign !== undefined) return foreign;
  if (entry === undefined) return rolled(state);
  if (!isDrained) return { do: "drain" };
  const [model, annotations] = [valueAt(entry.object, ["model"]), valueAt(entry.object, ["annotations"])];
  return {
    do: "patch",
    what: "service",
    says: `made canary ${entry.name} stable`,
    patch: {
      spec: {
        predictor: {
          name: entry.name,
          ...(model === undefined ? {} : { model }),
          ...(annotations === undefined ? {} : { annotations }),
        },
        canary: null,
      },
    },
  };
}

export function nextToLowerCanary(state: StandardState): KServeAct {
  const entry = ownEntry(state);
  if (entry === undefined) return DONE;
  const foreign = foreignIn(state, entry);
  if (foreign !== undefined) return foreign;
  if (entry.percent !== 0) return entryPatch(entry, { percent: 0 }, `took everything back from canary ${entry.name}`);
  if (!isShare(state, 0)) return waitFor(`HTTPRoute ${state.name} to give canary ${entry.name} nothing`);
  return stillRouting(routesOf(state)) ?? DONE;
}

/** The rest of a canary that gets nothing: its pods end with its entry. */
export function nextToDropCanary(state: StandardState, { isDrained }: KServeMemory): KServeAct {
  const entry = ownEntry(state);
  if (entry === undefined) return DONE;
  const lowered = nextToLowerCanary(state);
  if (lowered.do !== "done") return lowered;
  if (!isDrained) return { do: "drain" };
  return { do: "patch", what: "service", says: `took canary ${entry.name} away`, patch: { spec: { canary: null } } };
}

/** The entry that bears our marks; somebody else's is not ours to touch. */
export function ownEntry({ canaries }: StandardState): CanaryEntry | undefined {
  return canaries.find(({ predictor }) => predictor.model !== undefined || predictor.isForeign);
}

function foreignIn(state: StandardState, entry: CanaryEntry | undefined): KServeAct | undefined {
  if (state.predictor.isForeign) return failWith("CONFLICT", foreignChange(state.name, state.predictor));
  if (entry?.predictor.isForeign === true) return failWith("CONFLICT", foreignChange(state.name, entry.predictor));
  const other = state.canaries.find((one) => one !== entry);
  if (other === undefined) return undefined;
  return failWith("CONFLICT", {
    rule: "one rollout at a time",
    saw: `spec.canary ${other.name}, which nobody of ours made`,
    hint: "bring it to its end: make it stable, or remove it from spec.canary",
  });
}

function gone(entry: CanaryEntry | undefined, model: ServedModel): KServeAct {
  return failWith("CONFLICT", {
    rule: `the canary of ${formatVersion({ model })} was taken away by somebody else`,
    saw: entry === undefined ? "no spec.canary" : `canary ${entry.name}`,
    hint: "see who changes this InferenceService, then deploy again",
  });
}

function addEntry({ source }: StandardState, wanted: WantedVersion): KServeAct {
  const name = versionLabel(wanted.model);
  const modelFormat = valueAt(source, ["spec", "predictor", "model", "modelFormat"]);
  const marks = Object.entries(predictorMarks(wanted)).filter(([, value]) => value !== null);
  const predictor: JsonObject = {
    name,
    // a percent of 0 alone gives no pods, which are never ready
    minReplicas: 1,
    annotations: Object.fromEntries(marks),
    model: { ...(modelFormat === undefined ? {} : { modelFormat }), storageUri: wanted.uri },
  };
  return {
    do: "patch",
    what: "service",
    says: `asked for canary ${name} of ${formatVersion(wanted)} at 0 %`,
    patch: { spec: { canary: [{ trafficPercent: 0, predictor }] } },
  };
}

/** Lists are replaced whole by a merge patch. */
function entryPatch(
  { object, percent }: CanaryEntry,
  to: { readonly percent?: number; readonly replicas?: number },
  says: string,
): KServeAct {
  const next: JsonObject = {
    trafficPercent: to.percent ?? percent,
    predictor: to.replicas === undefined ? object : { ...object, minReplicas: to.replicas },
  };
  return { do: "patch", what: "service", says, patch: { spec: { canary: [next] } } };
}

/** What the spec says of stable, by the Deployment itself and the route. */
function rolled(state: StandardState): KServeAct {
  const up = stillRolling(state.stable, state.predictor, `InferenceService ${state.name}`);
  if (up !== undefined) return up;
  const rules = state.kserveRoute?.rules ?? [];
  const isAlone = rules.every(
    ({ stable, candidate, others }) => stable !== undefined && candidate === undefined && others.length === 0,
  );
  return isAlone
    ? (stillRouting(routesOf(state)) ?? DONE)
    : waitFor(`HTTPRoute ${state.name} to give everything to ${state.stable.name}`);
}

function routesOf({ kserveRoute }: StandardState) {
  return kserveRoute === undefined ? [] : [kserveRoute];
}

/** Every rule knows the candidate's Service, whatever its weight. */
function isOnRoute({ kserveRoute }: StandardState): boolean {
  return kserveRoute?.rules.every(({ candidate }) => candidate !== undefined) === true;
}

function isShare(state: StandardState, percent: number): boolean {
  const { kserveRoute } = state;
  if (kserveRoute === undefined) return percent === 0;
  if (percent === 0) return routedShare([kserveRoute]) === 0;
  return kserveRoute.rules.every(({ share }) => Math.abs(share - percent / 100) < 1e-9);
}

/** Waits for the route as long as a server takes that splits. */
function unrouted({ name, kserveRoute }: StandardState, entry: CanaryEntry, memory: KServeMemory): KServeAct {
  const service = workloadName(name, entry.name);
  const wish = `HTTPRoute ${name} to lead to ${service}`;
  const waitedMs = memory.waiting?.for === wish ? memory.waiting.ms : 0;
  if (waitedMs < (memory.probeMs ?? PROBE_MS)) return waitFor(wish);
  const saw =
    kserveRoute === undefined ? `there is no HTTPRoute ${name}` : `HTTPRoute ${name} does not lead to ${service}`;
  return { do: "unsupported", why: `this KServe takes spec.canary and does not split traffic by it (${saw})` };
}
