import type { JsonObject } from "../canonical.ts";
import { type KubeObject, recordAt } from "../manifest/object.ts";
import type { ServedModel } from "../rollout/journal-entry.ts";
import { routedShare, splitRoute } from "./http-route.ts";
import { DONE, failWith, type KServeAct, type KServeMemory, waitFor } from "./kserve-act.ts";
import { type StandardState, stillRolling, stillRouting, workloadName } from "./kserve-standard.ts";
import {
  foreignChange,
  formatVersion,
  isSameModel,
  predictorMarks,
  versionLabel,
  type WantedVersion,
} from "./kserve-version.ts";
import { ARM_LABEL } from "./marks.ts";

/** On a second InferenceService: beside which one it stands. */
export const BESIDE_LABEL = "ml-release.dev/beside";

/** Where the server splits no traffic by itself: a second InferenceService, and the weights of a route that is ours to change. */
export function nextToStageTwin(state: StandardState, wanted: WantedVersion, memory: KServeMemory): KServeAct {
  const { twin } = state;
  const foreign = foreignIn(state) ?? missingRoute(state);
  if (foreign !== undefined) return foreign;
  if (isSameModel(state.predictor.model, wanted.model) && twin === undefined) return rolledStable(state);
  if (twin === undefined)
    return {
      do: "create",
      object: twinOf(state, wanted),
      says: `asked for a second InferenceService ${twinName(state.name, wanted.model)} of ${formatVersion(wanted)}`,
    };
  if (twin.isLeaving || !isSameModel(twin.predictor.model, wanted.model)) return nextToDropTwin(state, memory);
  return answering(state) ?? DONE;
}

/** A weight for a Service that cannot answer is a share of errors: its pods come first, and as many as the share needs. */
export function nextToSplitTwin(
  state: StandardState,
  { model, share }: { readonly model: ServedModel; readonly share: number },
): KServeAct {
  if (share === 0) return nextToLowerTwin(state);
  const foreign = foreignIn(state) ?? missingRoute(state);
  if (foreign !== undefined) return foreign;
  const { twin } = state;
  if (twin === undefined || twin.isLeaving || !isSameModel(twin.predictor.model, model))
    return share === 1 && isSameModel(state.predictor.model, model)
      ? rolledStable(state)
      : failWith("CONFLICT", {
          rule: `the second InferenceService of ${formatVersion({ model })} was taken away by somebody else`,
          saw: twin === undefined ? "none" : twin.name,
          hint: "see who changes it, then deploy again",
        });
  const replicas = Math.max(1, Math.ceil(state.predictor.minReplicas * share - 1e-9));
  if (share > routedShare(state.ownRoutes) && twin.predictor.minReplicas < replicas)
    return {
      do: "patch",
      what: "twin",
      says: `asked for ${replicas} replicas of ${twin.name}, before its share grows`,
      patch: { spec: { predictor: { minReplicas: replicas } } },
    };
  return answering(state) ?? routed(state, share) ?? DONE;
}

/**
 * The stable one rolls to the version while the second one carries everything; then everything comes back, and the second one ends. The
 * order is told by the objects, so that it goes on wherever it was cut.
 */
export function nextToPromoteTwin(state: StandardState, memory: KServeMemory): KServeAct {
  const { twin, predictor } = state;
  const foreign = foreignIn(state);
  if (foreign !== undefined) return foreign;
  if (twin === undefined) return rolledStable(state);
  const { model } = twin.predictor;
  if (model !== undefined && !isSameModel(predictor.model, model)) {
    const full = nextToSplitTwin(state, { model, share: 1 });
    return full.do === "done" ? overTo(state) : full;
  }
  const rolled = rolledStable(state);
  return rolled.do === "done" ? nextToDropTwin(state, memory) : rolled;
}

export function nextToLowerTwin(state: StandardState): KServeAct {
  return state.twin === undefined ? DONE : (routed(state, 0) ?? DONE);
}

/** The rest of a second one that gets nothing. */
export function nextToDropTwin(state: StandardState, memory: KServeMemory): KServeAct {
  const { twin } = state;
  if (twin === undefined) return DONE;
  const lowered = nextToLowerTwin(state);
  if (lowered.do !== "done") return lowered;
  if (twin.isLeaving) return waitFor(`InferenceService ${twin.name} to be gone`);
  if (!memory.isDrained) return { do: "drain" };
  return { do: "delete", says: `deleted InferenceService ${twin.name}` };
}

/** Without a second arm: the address changes, and the Deployment rolls as its own strategy says. */
export function nextToServeStandard(state: StandardState, wanted: WantedVersion): KServeAct {
  const foreign = foreignIn(state);
  if (foreign !== undefined) return foreign;
  if (isSameModel(state.predictor.model, wanted.model)) return rolledStable(state);
  return {
    do: "patch",
    what: "service",
    says: `asked for ${formatVersion(wanted)} in the place of ${formatVersion(state.predictor)}`,
    patch: { spec: { predictor: { annotations: predictorMarks(wanted), model: { storageUri: wanted.uri } } } },
  };
}

/** Beside `fraud`: `fraud-c-v8-1a2b3c4d`, which leaves room for the suffixes that KServe adds. */
export function twinName(isvc: string, model: ServedModel): string {
  return `${isvc.slice(0, 20).replace(/-+$/, "")}-c-${versionLabel(model)}`;
}

function twinOf({ name, source }: StandardState, wanted: WantedVersion): JsonObject {
  const { canaryTrafficPercent: _, name: _name, ...predictor } = recordAt(source, ["spec", "predictor"]);
  const marks = { ...recordAt(predictor, ["annotations"]), ...predictorMarks(wanted) };
  return {
    apiVersion: "serving.kserve.io/v1beta1",
    kind: "InferenceService",
    metadata: {
      name: twinName(name, wanted.model),
      labels: { ...recordAt(source, ["metadata", "labels"]), [ARM_LABEL]: "candidate", [BESIDE_LABEL]: name },
      annotations: settingsIn(recordAt(source, ["metadata", "annotations"])),
    },
    spec: {
      predictor: {
        ...predictor,
        minReplicas: 1,
        annotations: Object.fromEntries(Object.entries(marks).filter(([, value]) => value !== null)),
        model: { ...recordAt(predictor, ["model"]), storageUri: wanted.uri },
      },
    },
  };
}

/** What tells KServe how to run it; not what kubectl or a GitOps controller wrote about the other object. */
function settingsIn(annotations: KubeObject): JsonObject {
  const isSetting = (key: string) => /(^|\.)(kserve\.io|knative\.dev)\//.test(key);
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => isSetting(key)));
}

function overTo({ name, twin }: StandardState): KServeAct {
  const { annotations, model } = twin?.object ?? {};
  return {
    do: "patch",
    what: "service",
    says: `asked InferenceService ${name} for ${formatVersion(twin?.predictor ?? {})}, while ${twin?.name ?? ""} has everything`,
    patch: {
      spec: {
        predictor: { annotations: recordAt({ annotations }, ["annotations"]), model: recordAt({ model }, ["model"]) },
      },
    },
  };
}

function foreignIn({ name, predictor, twin }: StandardState): KServeAct | undefined {
  const changed = [predictor, twin?.predictor].find((one) => one?.isForeign === true);
  return changed === undefined ? undefined : failWith("CONFLICT", foreignChange(twin?.name ?? name, changed));
}

function missingRoute({ name, stable, ownRoutes }: StandardState): KServeAct | undefined {
  const mixed = ownRoutes.find(({ rules }) => rules.some(({ others }) => others.length > 0));
  if (mixed !== undefined)
    return failWith("REFUSED", {
      rule: `HTTPRoute ${mixed.name} must lead to ${stable.name} and to nothing else that gets requests`,
      saw: mixed.rules.flatMap(({ others }) => others).join(", "),
      hint: "end the other split first",
    });
  if (ownRoutes.length > 0) return undefined;
  return failWith("NOT_FOUND", {
    rule: `a canary of InferenceService ${name} needs an HTTPRoute of yours that leads to its Service`,
    saw: `none with a backendRef to ${stable.name}`,
    hint: `create one, with a hostname that KServe's own does not have: { parentRefs: [{ name: YOUR_GATEWAY }], hostnames: [${name}.example.com], rules: [{ backendRefs: [{ name: ${stable.name}, port: 80 }] }] }`,
  });
}

function answering({ twin, candidate, candidateEndpoints }: StandardState): KServeAct | undefined {
  if (twin === undefined) return undefined;
  const rolling = stillRolling(candidate, twin.predictor, `InferenceService ${twin.name}`);
  if (rolling !== undefined) return rolling;
  return candidateEndpoints > 0
    ? undefined
    : waitFor(`Service ${candidate?.name ?? ""} to lead to pods that are ready`);
}

function rolledStable({ stable, predictor, name }: StandardState): KServeAct {
  return stillRolling(stable, predictor, `InferenceService ${name}`) ?? DONE;
}

/** Undefined once every route gives this share, and every gateway has taken it in. */
function routed(state: StandardState, share: number): KServeAct | undefined {
  const { twin, stable, source } = state;
  if (twin === undefined) return undefined;
  const names = {
    stable: stable.name,
    candidate: workloadName(twin.name, undefined),
    namespace: String(recordAt(source, ["metadata"]).namespace ?? ""),
  };
  for (const route of state.ownRoutes) {
    const operations = splitRoute(route, names, share);
    const says = `gave ${twin.name} ${Math.round(share * 1e4) / 100} % on HTTPRoute ${route.name}`;
    if (operations.length > 0) return { do: "route", route: route.name, operations, says };
  }
  return stillRouting(state.ownRoutes);
}
