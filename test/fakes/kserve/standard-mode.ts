import type { Any } from "./api.ts";
import { condition, deployment, handedOn, ownerOf, podTemplate, service } from "./pods.ts";
import type { Control } from "./world.ts";

const GATEWAY = {
  group: "gateway.networking.k8s.io",
  kind: "Gateway",
  name: "kserve-ingress-gateway",
  namespace: "kserve",
};

/** One look of KServe's controller at an InferenceService in Standard mode. */
export async function reconcileStandardMode(control: Control, isvc: Any, deployments: readonly Any[]): Promise<void> {
  const { api, world } = control;
  const { name, namespace } = isvc.metadata;
  const { predictor, canary = [] } = isvc.spec;
  const own = (one: string) =>
    deployments.find(({ metadata }) => metadata.name === one && metadata.namespace === namespace);
  const stable = workload(name, predictor.name);
  const canaries = canary.map((entry: Any) => ({
    entry,
    name: workload(name, entry.predictor.name),
    predictor: overridden(predictor, entry.predictor),
    replicas: entry.predictor.minReplicas ?? Math.ceil(((predictor.minReplicas ?? 1) * entry.trafficPercent) / 100),
  }));
  const isReady = (one: string) => (own(one)?.status?.availableReplicas ?? 0) > 0;
  await make(control, isvc, { name: stable, predictor, replicas: predictor.minReplicas ?? 1 });
  for (const one of canaries) await make(control, isvc, one);
  const kept = [stable, ...canaries.map((one: Any) => one.name)];
  const orphans = deployments.filter(
    ({ metadata }) =>
      metadata.namespace === namespace &&
      metadata.ownerReferences?.some(({ uid }: Any) => uid === isvc.metadata.uid) &&
      !kept.includes(metadata.name) &&
      // until the one that takes its place can answer
      isReady(stable),
  );
  if (world.options.withoutGatewayApi !== true)
    for (const route of [name, `${name}-predictor`]) {
      const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes/${route}`;
      const splits = world.has("canary-without-route") ? [] : canaries.filter((one: Any) => isReady(one.name));
      if (isReady(stable)) await api.apply(path, httpRoute(isvc, route, { stable, canaries: splits }));
    }
  for (const { metadata } of orphans) {
    await api.remove(`/apis/apps/v1/namespaces/${namespace}/deployments/${metadata.name}`);
    await api.remove(`/api/v1/namespaces/${namespace}/services/${metadata.name}`);
  }
  await api.status(`/apis/serving.kserve.io/v1beta1/namespaces/${namespace}/inferenceservices/${name}`, {
    deploymentMode: isvc.status?.deploymentMode ?? "Standard",
    // of the first Deployment, not of this object
    observedGeneration: own(stable)?.status?.observedGeneration ?? 0,
    url: `http://${name}-${namespace}.example.com`,
    modelStatus: { transitionStatus: "UpToDate", states: { activeModelState: "Loaded", targetModelState: "Loaded" } },
    canaryStatuses: canaries.map((one: Any) => ({
      name: one.entry.predictor.name,
      ready: isReady(one.name),
      trafficPercent: one.entry.trafficPercent,
    })),
    conditions: [condition("PredictorReady", isServing(own(stable))), condition("Ready", isServing(own(stable)))],
  });
}

/** `Available` and not failed: what old pods keep up while new ones crash. */
function isServing(deployment: Any): boolean | undefined {
  const status = (type: string) => deployment?.status?.conditions?.find((one: Any) => one.type === type)?.status;
  if (status("Available") === undefined) return undefined;
  return status("Available") === "True" && status("Progressing") !== "False";
}

function workload(isvc: string, predictor: string | undefined): string {
  return predictor === undefined ? `${isvc}-predictor` : `${isvc}-${predictor}-predictor`;
}

/** A canary is the stable predictor with its own fields over it. */
function overridden(stable: Any, canary: Any): Any {
  return {
    ...stable,
    ...canary,
    annotations: { ...stable.annotations, ...canary.annotations },
    model: { ...stable.model, ...canary.model },
  };
}

type Made = { readonly name: string; readonly predictor: Any; readonly replicas: number };

async function make({ api, world }: Control, isvc: Any, { name, predictor, replicas }: Made): Promise<void> {
  const { namespace } = isvc.metadata;
  const selector = { app: `isvc.${name}` };
  const owner = ownerOf(isvc);
  const uri = predictor.model.storageUri;
  const annotations = handedOn({ ...isvc, spec: { predictor } });
  const template = podTemplate(world.options, {
    isvc: isvc.metadata.name,
    uri,
    annotations,
    labels: { ...predictor.labels, ...selector },
  });
  await api.apply(
    `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`,
    deployment({ name, replicas, owner, template }, selector),
  );
  await api.apply(
    `/api/v1/namespaces/${namespace}/services/${name}`,
    service({ name, owner, uri }, selector, world.options),
  );
}

type Split = { readonly stable: string; readonly canaries: readonly Any[] };

function httpRoute(isvc: Any, name: string, { stable, canaries }: Split): Any {
  const total = canaries.reduce((sum, { entry }) => sum + entry.trafficPercent, 0);
  const ref = (service: string) => ({
    group: "",
    kind: "Service",
    name: service,
    namespace: isvc.metadata.namespace,
    port: 80,
  });
  const backendRefs =
    canaries.length === 0
      ? [ref(stable)]
      : [
          { ...ref(stable), weight: 100 - total },
          ...canaries.map((one) => ({ ...ref(one.name), weight: one.entry.trafficPercent })),
        ];
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name, ownerReferences: [ownerOf(isvc)] },
    spec: {
      parentRefs: [GATEWAY],
      hostnames: [`${name}-${isvc.metadata.namespace}.example.com`],
      rules: [{ backendRefs, matches: [{ path: { type: "RegularExpression", value: "^/.*$" } }] }],
    },
  };
}
