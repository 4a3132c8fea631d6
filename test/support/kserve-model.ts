import type { Json, JsonObject } from "../../actions/shared/domain/canonical.ts";
import { type KnativeState, readKnative } from "../../actions/shared/domain/serving/kserve-knative.ts";
import type { Any } from "../fakes/kserve/api.ts";
import { resolved } from "../fakes/kserve/knative.ts";
import { propagated, trafficOf } from "../fakes/kserve/knative-mode.ts";
import { SOURCE } from "../fakes/kserve/pods.ts";

/** A cluster with one InferenceService in Knative mode, as plain data: every controller's step is a function of it. */
export type Model = { readonly isvc: Any; readonly ksvc: Any; readonly revisions: readonly Any[] };

const NAME = "fraud-predictor";

/** Nothing but an InferenceService that asks for a model. */
export function newModel(uri: string): Model {
  const isvc = {
    metadata: { name: "fraud", annotations: {} },
    spec: { predictor: { model: { storageUri: uri } } },
    status: { deploymentMode: "Knative", components: { predictor: {} } },
  };
  return { isvc, ksvc: undefined, revisions: [] };
}

export function stateOf({ isvc, ksvc, revisions }: Model): KnativeState {
  return readKnative({ isvc, service: ksvc, revisions });
}

/** The model after a patch of the InferenceService. */
export function patched(model: Model, patch: JsonObject): Model {
  return { ...model, isvc: merged(model.isvc, patch) };
}

/** What may happen next: one step of one controller, or of a pod. Steps that change nothing are left out. */
export function stepsOf(model: Model): readonly { readonly says: string; readonly next: Model }[] {
  const pods = model.revisions.flatMap((one, i) =>
    readyOf(one) === undefined ? [{ says: `revision ${i + 1} is ready`, next: podReady(model, i) }] : [],
  );
  const steps = [
    { says: "KServe looks", next: kserve(model) },
    { says: "the Configuration is looked at", next: configuration(model) },
    { says: "the Route is looked at", next: route(model) },
    ...pods,
  ];
  const before = JSON.stringify(model);
  return steps.filter(({ next }) => JSON.stringify(next) !== before);
}

/** The model without the revisions that are neither the newest nor asked for. */
export function collected(model: Model): Model {
  const named = [...model.ksvc.spec.traffic, ...model.ksvc.status.traffic].map((one: Any) => one.revisionName);
  const newest = model.revisions.at(-1)?.metadata.name;
  const kept = model.revisions.filter(({ metadata }) => metadata.name === newest || named.includes(metadata.name));
  return { ...model, revisions: kept };
}

/** Until nothing happens any more. */
export function settled(model: Model): Model {
  const [step] = stepsOf(model);
  return step === undefined ? model : settled(step.next);
}

/** What a model gets of the requests, by its address. */
export function shareOf({ ksvc, revisions }: Model, uri: string): number {
  const names = revisions.filter((one) => one.metadata.annotations[SOURCE] === uri).map((one) => one.metadata.name);
  return (ksvc?.status?.traffic ?? [])
    .filter((one: Any) => names.includes(one.revisionName))
    .reduce((sum: number, { percent }: Any) => sum + percent, 0);
}

function kserve({ isvc, ksvc, revisions }: Model): Model {
  const { predictor } = isvc.spec;
  const component = isvc.status.components.predictor;
  const annotations = { ...isvc.metadata.annotations, ...predictor.annotations, [SOURCE]: predictor.model.storageUri };
  const hasTags = isvc.metadata.annotations["serving.kserve.io/enable-tag-routing"] === "true";
  const spec = {
    template: { metadata: { annotations } },
    traffic: trafficOf(predictor.canaryTrafficPercent, component.latestRolledoutRevision, hasTags),
  };
  const isSame = JSON.stringify(spec) === JSON.stringify(ksvc?.spec);
  const generation = (ksvc?.metadata.generation ?? 0) + (isSame ? 0 : 1);
  const status = { ...isvc.status, components: { predictor: propagated(component, ksvc?.status) } };
  return { isvc: { ...isvc, status }, ksvc: { ...ksvc, metadata: { name: NAME, generation }, spec }, revisions };
}

/** Makes the revision of a new template. */
function configuration(model: Model): Model {
  const { ksvc, revisions } = model;
  if (ksvc === undefined) return model;
  const isNew =
    JSON.stringify(revisions.at(-1)?.metadata.annotations) !== JSON.stringify(ksvc.spec.template.metadata.annotations);
  const last = Number(revisions.at(-1)?.metadata.name.split("-").at(-1) ?? 0);
  const name = `${NAME}-${last + 1}`;
  const made = { metadata: { name, annotations: ksvc.spec.template.metadata.annotations } };
  return withStatus(
    { ...model, revisions: isNew ? [...revisions, made] : revisions },
    { configured: ksvc.metadata.generation },
  );
}

function route(model: Model): Model {
  const { ksvc, revisions } = model;
  if (ksvc === undefined) return model;
  const ready = revisions.findLast((one) => readyOf(one) === "True")?.metadata.name ?? "";
  const traffic = resolved(ksvc, ready, revisions) ?? ksvc.status?.traffic ?? [];
  return withStatus(model, { traffic, routed: ksvc.metadata.generation });
}

function podReady(model: Model, index: number): Model {
  const ready = { conditions: [{ type: "Ready", status: "True" }] };
  const revisions = model.revisions.map((one, i) => (i === index ? { ...one, status: ready } : one));
  return withStatus({ ...model, revisions }, {});
}

function withStatus(model: Model, more: Any): Model {
  const { ksvc, revisions } = model;
  const status = { traffic: [], configured: 0, routed: 0, ...ksvc.status, ...more };
  const names = {
    latestCreatedRevisionName: revisions.at(-1)?.metadata.name ?? "",
    latestReadyRevisionName: revisions.findLast((one) => readyOf(one) === "True")?.metadata.name ?? "",
    observedGeneration: Math.min(status.configured, status.routed),
  };
  return { ...model, ksvc: { ...ksvc, status: { ...status, ...names } } };
}

function readyOf(revision: Any): string | undefined {
  return revision.status?.conditions[0].status;
}

/** RFC 7386. */
function merged(value: Any, patch: Json | undefined): Any {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const next = { ...(typeof value === "object" && value !== null ? value : {}) };
  for (const [key, one] of Object.entries(patch)) {
    if (one === null) delete next[key];
    else next[key] = merged(next[key], one);
  }
  return next;
}
