import type { Any } from "./api.ts";
import { condition, handedOn, ownerOf, podTemplate } from "./pods.ts";
import type { Control, Recorder } from "./world.ts";

const TAG_ROUTING = "serving.kserve.io/enable-tag-routing";

/** One look of KServe's controller at an InferenceService in Knative mode. */
export async function reconcileKnativeMode({ api, world }: Control, isvc: Any, ksvc: Any | undefined): Promise<void> {
  const { name, namespace } = isvc.metadata;
  const before = isvc.status?.components?.predictor ?? {};
  const path = `/apis/serving.knative.dev/v1/namespaces/${namespace}/services/${name}-predictor`;
  await api.apply(path, desired(world, isvc, before));
  // What it propagates is what it has read before that write.
  const component = propagated(before, ksvc?.status);
  const said = (type: string) => ksvc?.status?.conditions?.find((one: Any) => one.type === type)?.status;
  const state = (type: string) => (said(type) === "True" ? true : said(type) === "False" ? false : undefined);
  await api.status(`/apis/serving.kserve.io/v1beta1/namespaces/${namespace}/inferenceservices/${name}`, {
    deploymentMode: isvc.status?.deploymentMode ?? "Knative",
    // of the Knative Service, not of this object
    observedGeneration: ksvc?.status?.observedGeneration ?? 0,
    url: `http://${name}.${namespace}.example.com`,
    components: { predictor: component },
    modelStatus: { transitionStatus: "UpToDate", states: { activeModelState: "Loaded", targetModelState: "Loaded" } },
    conditions: [
      condition("PredictorReady", state("Ready")),
      condition("PredictorConfigurationReady", state("ConfigurationsReady")),
      condition("Ready", state("Ready")),
    ],
  });
}

function desired(world: Recorder, isvc: Any, component: Any): Any {
  const { name } = isvc.metadata;
  const { predictor } = isvc.spec;
  const annotations = { ...handedOn(isvc), "autoscaling.knative.dev/min-scale": String(predictor.minReplicas ?? 1) };
  const uri = predictor.model.storageUri;
  return {
    apiVersion: "serving.knative.dev/v1",
    kind: "Service",
    metadata: { name: `${name}-predictor`, ownerReferences: [ownerOf(isvc)] },
    spec: {
      template: podTemplate(world.options, { isvc: name, uri, annotations, labels: predictor.labels ?? {} }),
      traffic: trafficOf(
        predictor.canaryTrafficPercent,
        component.latestRolledoutRevision,
        isvc.metadata.annotations?.[TAG_ROUTING] === "true",
      ),
    },
  };
}

/** How KServe splits. The first version has nothing to share with: its percent counts for nothing. */
export function trafficOf(
  percent: number | undefined,
  rolledOut: string | undefined,
  hasTags: boolean,
): readonly Any[] {
  const tag = hasTags ? { tag: "latest" } : {};
  if (percent === undefined || rolledOut === undefined || rolledOut === "")
    return [{ latestRevision: true, percent: 100, ...tag }];
  const latest = { latestRevision: true, percent, ...tag };
  if (percent === 100) return [latest];
  return [latest, { latestRevision: false, revisionName: rolledOut, percent: 100 - percent, tag: "prev" }];
}

/** What KServe makes of the Knative Service's status. */
export function propagated(before: Any, status: Any | undefined): Any {
  if (status === undefined) return before;
  const { latestCreatedRevisionName: created, latestReadyRevisionName: ready, traffic = [] } = status;
  const after = { ...before, latestCreatedRevision: created, latestReadyRevision: ready, traffic };
  const total = (revision: string) =>
    traffic
      .filter((one: Any) => one.revisionName === revision)
      .reduce((sum: number, { percent }: Any) => sum + percent, 0);
  const latest = traffic.find((one: Any) => one.latestRevision === true && one.revisionName === ready);
  if (latest === undefined || ready === "") return after;
  if (before.latestRolledoutRevision !== ready) {
    if (latest.percent !== 100) return after;
    return {
      ...after,
      previousRolledoutRevision: before.latestRolledoutRevision ?? "",
      latestRolledoutRevision: ready,
    };
  }
  // The newest has everything, in two parts: it is taken for one that was rolled out and is to be taken back.
  const isTakenBack = ready === created && latest.percent < 100 && total(ready) === 100;
  if (!isTakenBack || (before.previousRolledoutRevision ?? "") === "") return after;
  return { ...after, latestRolledoutRevision: before.previousRolledoutRevision };
}
