import type { Json } from "../canonical.ts";
import {
  conditionsOf,
  type KubeObject,
  listAt,
  numberAt,
  recordAt,
  textAt,
  textsAt,
  valueAt,
} from "../manifest/object.ts";
import type { ServedModel } from "../rollout/journal-entry.ts";
import { type FormerVersion, isSameModel, type Predictor, readPredictor } from "./kserve-version.ts";
import { markedModel } from "./marks.ts";

/** When KServe's webhook writes it, a template says so what its pods load. */
export const SOURCE_ANNOTATION = "internal.serving.kserve.io/storage-initializer-sourceuri";
/** On a Revision: its rollout was taken back, and it waits for nobody. Not on a template, so that it makes no new one. */
export const TAKEN_BACK_MARK = "ml-release.dev/taken-back";
/** Gives each revision of a split a name of its own. Written later, it makes a new revision. */
export const TAG_ROUTING = "serving.kserve.io/enable-tag-routing";
export const PROGRESS_DEADLINE = "serving.knative.dev/progress-deadline";

/** One immutable version of a Knative Service. */
export type Revision = {
  readonly name: string;
  readonly uri?: string;
  readonly model?: ServedModel;
  readonly state: "starting" | "ready" | "failed";
  /** Why it is not ready, in the words of who knows best. */
  readonly why?: string;
  readonly isTakenBack: boolean;
  readonly image?: string;
  readonly replicas: { readonly ready: number; readonly wanted: number };
};

export type RevisionShare = { readonly revision: string; readonly percent: number; readonly url?: string };

/** Everything that a rollout in Knative mode is decided by, as the cluster says it now. */
export type KnativeState = {
  readonly name: string;
  readonly predictor: Predictor;
  readonly annotations: Readonly<Record<string, string>>;
  /** The last revision that had everything, and the one that had it before, as KServe tells them. */
  readonly rolledOut?: string;
  readonly previous?: string;
  readonly knative?: {
    /** Its controller has seen its newest spec. Of the InferenceService's own `observedGeneration` nothing is to be believed. */
    readonly isObserved: boolean;
    readonly template: { readonly uri?: string; readonly model?: ServedModel };
    readonly created?: string;
    readonly ready?: string;
    /** Where requests shall go, as KServe has asked for it; of an entry without a revision to the latest that is ready. */
    readonly asked: readonly { readonly revision?: string; readonly percent: number }[];
    /** Where requests go. */
    readonly traffic: readonly RevisionShare[];
    readonly trouble?: string;
  };
  readonly revisions: readonly Revision[];
};

export type KnativeObjects = {
  readonly isvc: KubeObject;
  readonly service: KubeObject | undefined;
  readonly revisions: readonly KubeObject[];
};

export function readKnative({ isvc, service, revisions }: KnativeObjects): KnativeState {
  const component = recordAt(isvc, ["status", "components", "predictor"]);
  const rolledOut = named(component, "latestRolledoutRevision");
  const previous = named(component, "previousRolledoutRevision");
  return {
    name: textAt(isvc, ["metadata", "name"]) ?? "",
    predictor: readPredictor(valueAt(isvc, ["spec", "predictor"])),
    annotations: textsAt(isvc, ["metadata", "annotations"]),
    revisions: revisions.map(readRevision),
    ...(rolledOut === undefined ? {} : { rolledOut }),
    ...(previous === undefined ? {} : { previous }),
    ...(service === undefined ? {} : { knative: readService(service) }),
  };
}

/** Who is which arm, and how much the candidate gets. */
export type KnativeArms = {
  readonly stable?: KnativeArm;
  readonly candidate?: KnativeArm;
  /** Of 100. */
  readonly percent: number;
};

/** A version with the revision that serves it; without one where that is not made yet, or was collected. */
export type KnativeArm = {
  readonly model?: ServedModel;
  readonly uri?: string;
  readonly revision?: Revision;
};

/** A percent in the spec means that a rollout is under way: without it the newest revision is stable. */
export function knativeArms(state: KnativeState): KnativeArms {
  const { predictor } = state;
  const newest = newestRevision(state);
  const own: KnativeArm = {
    ...(predictor.model === undefined ? {} : { model: predictor.model }),
    ...(predictor.uri === undefined ? {} : { uri: predictor.uri }),
    ...(newest === undefined ? {} : { revision: newest }),
  };
  if (predictor.percent === undefined || isRestoring(predictor)) return { stable: own, percent: 0 };
  const stable = stableBeside(state, newest);
  const arms = stable === undefined ? {} : { stable };
  const percent = newest === undefined ? 0 : percentOn(state, newest.name);
  // what was here before any release of ours, with a percent of somebody else's
  if (predictor.model === undefined) return { ...arms, percent };
  if (newest?.isTakenBack === true && percent === 0) return { ...arms, percent: 0 };
  return { ...arms, candidate: own, percent };
}

/** The revision of what the spec says now; undefined until it is made and all controllers have seen the spec. */
export function newestRevision({ predictor, knative, revisions }: KnativeState): Revision | undefined {
  if (knative === undefined || !knative.isObserved || !isOf(knative.template, predictor)) return undefined;
  const newest = revisions.find(({ name }) => name === knative.created);
  return newest !== undefined && isOf(newest, predictor) ? newest : undefined;
}

/** Where everything goes back to. It is known from before the rollout; KServe's own notion of it may have moved. */
export function backTo(state: KnativeState): FormerVersion | undefined {
  if (state.predictor.former !== undefined) return state.predictor.former;
  const newest = newestRevision(state);
  const other = [state.rolledOut, state.previous].find((name) => name !== undefined && name !== newest?.name);
  const revision = state.revisions.find(({ name }) => name === other);
  if (revision?.uri === undefined) return undefined;
  const model = revision.model === undefined ? {} : { model: revision.model };
  return { uri: revision.uri, revision: revision.name, ...model };
}

export function revisionNamed({ revisions }: KnativeState, wanted: string | undefined): Revision | undefined {
  return revisions.find(({ name }) => name === wanted);
}

/** What a revision gets now, in all its entries. */
export function percentOn({ knative }: KnativeState, revision: string): number {
  return (knative?.traffic ?? [])
    .filter((entry) => entry.revision === revision)
    .reduce((sum, { percent }) => sum + percent, 0);
}

/**
 * Whether nothing is on its way any more: KServe has asked for what the spec says, and the route is as it was asked for. Until then the
 * route may still go through what was asked before.
 */
export function isInForce({ predictor, rolledOut, knative }: KnativeState): boolean {
  if (knative === undefined || !knative.isObserved) return false;
  const { asked, traffic } = knative;
  const percent = rolledOut === undefined ? 100 : (predictor.percent ?? 100);
  const [latest, former] = asked;
  const isAsked = latest?.percent === percent && (percent === 100 || former?.revision === rolledOut);
  return (
    isAsked &&
    asked.length === traffic.length &&
    asked.every((one, i) => {
      const entry = traffic[i];
      return entry?.percent === one.percent && (one.revision === undefined || one.revision === entry.revision);
    })
  );
}

/** On the way back to a version by its address: its own former one. */
export function isRestoring({ former, uri }: Predictor): boolean {
  return former !== undefined && former.revision === undefined && former.uri === uri;
}

function stableBeside(state: KnativeState, newest: Revision | undefined): KnativeArm | undefined {
  const former = backTo(state);
  if (former === undefined) return undefined;
  const revision = revisionNamed(state, former.revision);
  const isOther = revision !== undefined && revision.name !== newest?.name;
  const model = former.model === undefined ? {} : { model: former.model };
  return { ...model, uri: former.uri, ...(isOther ? { revision } : {}) };
}

/** Marks that reached the template tell the version; where an administrator keeps annotations back, the address does. */
function isOf(made: { readonly uri?: string; readonly model?: ServedModel }, { model, uri }: Predictor): boolean {
  const isAddress = made.uri === undefined || made.uri === uri;
  if (model === undefined || made.model === undefined) return isAddress && made.uri !== undefined;
  return isAddress && isSameModel(made.model, model);
}

function readService(service: KubeObject): NonNullable<KnativeState["knative"]> {
  const generation = numberAt(service, ["metadata", "generation"]);
  const created = named(recordAt(service, ["status"]), "latestCreatedRevisionName");
  const ready = named(recordAt(service, ["status"]), "latestReadyRevisionName");
  const trouble = conditionsOf(service).find(
    ({ type, status }) => status === "False" && (type === "ConfigurationsReady" || type === "RoutesReady"),
  );
  return {
    isObserved: numberAt(service, ["status", "observedGeneration"]) === generation,
    template: versionIn(recordAt(service, ["spec", "template"])),
    asked: listAt(service, ["spec", "traffic"]).map(readAsked),
    traffic: listAt(service, ["status", "traffic"]).map(readShare),
    ...(created === undefined ? {} : { created }),
    ...(ready === undefined ? {} : { ready }),
    ...(trouble === undefined ? {} : { trouble: `${trouble.reason}: ${trouble.message}` }),
  };
}

function readAsked(entry: Json): { readonly revision?: string; readonly percent: number } {
  const revision = textAt(entry, ["revisionName"]);
  const percent = numberAt(entry, ["percent"]) ?? 0;
  return revision === undefined || revision === "" ? { percent } : { revision, percent };
}

function readShare(entry: Json): RevisionShare {
  const url = textAt(entry, ["url"]);
  return {
    revision: textAt(entry, ["revisionName"]) ?? "",
    percent: numberAt(entry, ["percent"]) ?? 0,
    ...(url === undefined ? {} : { url }),
  };
}

function readRevision(revision: KubeObject): Revision {
  const name = textAt(revision, ["metadata", "name"]) ?? "";
  const ready = conditionsOf(revision).find(({ type }) => type === "Ready");
  const why = [ready?.reason, ready?.message].filter(Boolean).join(": ");
  const image = textAt(revision, ["status", "containerStatuses", 0, "imageDigest"]);
  const state = stateOf(ready?.status);
  return {
    name,
    ...versionIn(revision),
    state,
    isTakenBack: textAt(revision, ["metadata", "annotations", TAKEN_BACK_MARK]) !== undefined,
    replicas: {
      ready: numberAt(revision, ["status", "actualReplicas"]) ?? 0,
      wanted: numberAt(revision, ["status", "desiredReplicas"]) ?? 0,
    },
    ...(image === undefined ? {} : { image }),
    ...(why === "" || state === "ready" ? {} : { why }),
  };
}

function stateOf(ready: string | undefined): Revision["state"] {
  if (ready === "True") return "ready";
  return ready === "False" ? "failed" : "starting";
}

/** Of a template, or of a revision that was made from it. */
function versionIn(made: KubeObject): { readonly uri?: string; readonly model?: ServedModel } {
  const annotations = textsAt(made, ["metadata", "annotations"]);
  const uri = annotations[SOURCE_ANNOTATION];
  const model = markedModel(annotations);
  return { ...(uri === undefined ? {} : { uri }), ...(model === undefined ? {} : { model }) };
}

function named(value: KubeObject, key: string): string | undefined {
  const name = textAt(value, [key]);
  return name === "" ? undefined : name;
}
