import type { FakeKServe } from "../fakes/kserve/start-kserve.ts";
import type { World, WorldOptions } from "../fakes/kserve/world.ts";
import type { AdderTarget, TargetWish } from "./adder-target.ts";
import type { KubeObject } from "./cluster/api.ts";
import { ownAddress } from "./cluster/exposed-service.ts";
import { until } from "./cluster/part.ts";

/** How KServe splits traffic, and the route by which users come. */
const WAYS = {
  /** `canaryTrafficPercent`. */
  knative: { world: { mode: "Knative" }, route: "adder" },
  /** `spec.canary`. */
  canary: { world: { mode: "Standard" }, route: "adder" },
  /** Two InferenceServices behind an HTTPRoute of the user's. */
  twin: { world: { mode: "Standard", withoutGatewayApi: true }, route: "users" },
} as const satisfies Readonly<Record<string, { readonly world: WorldOptions; readonly route: string }>>;

export type Way = keyof typeof WAYS;

export type AdderInference = AdderTarget & { readonly world: World; isvc(): Promise<KubeObject> };

/** An InferenceService that serves `adder` 1.0.0, as a release before has left it. */
export async function adderInference(
  kserve: FakeKServe,
  way: Way,
  { cluster, models, versions, port }: TargetWish,
): Promise<AdderInference> {
  const { world: options, route } = WAYS[way];
  const byUri = new Map(versions.map((version) => [models.uriOf(version), version]));
  const ip = { "kubelet.test/pod-ip": ownAddress() ?? "" };
  const world = await kserve.world({
    ...options,
    plays: Object.fromEntries([...byUri.keys()].map((uri) => [uri, ip])),
    ports: Object.fromEntries([...byUri.keys()].map((uri) => [uri, port])),
  });
  const { namespace } = world;
  const path = `/apis/serving.kserve.io/v1beta1/namespaces/${namespace}/inferenceservices`;
  const isvc = () => cluster.api.get(`${path}/adder`);
  await cluster.apply(JSON.stringify(first(models.uriOf("1.0.0"), models.digestOf("1.0.0"))), namespace);
  if (way === "twin") await cluster.apply(JSON.stringify(OWN_ROUTE), namespace);
  await until("the first version to serve", async () => world.answering(route)[models.uriOf("1.0.0")] === 100);
  return {
    namespace,
    world,
    isvc,
    target: "kserve/adder",
    role: "deploy-model-kserve.yaml",
    shares: () =>
      Object.fromEntries(
        Object.entries(world.answering(route)).map(([uri, percent]) => [byUri.get(uri) ?? uri, percent / 100]),
      ),
    leftovers: async () => {
      const { items } = await cluster.api.get(path);
      const { spec } = await isvc();
      const others = (items as readonly KubeObject[]).map(({ metadata }) => metadata.name);
      const percent = spec.predictor.canaryTrafficPercent ?? 0;
      return [
        ...others.filter((name) => name !== "adder"),
        ...(spec.canary ?? []).map(({ predictor }: KubeObject) => `canary ${predictor.name}`),
        // of a candidate that was taken back: putting it away would give everything to its revision
        ...(percent === 0 ? [] : [`canaryTrafficPercent ${percent}`]),
      ];
    },
    stop: async () => {
      await cluster.api.send(`/api/v1/namespaces/${namespace}`, { method: "DELETE" });
    },
  };
}

function first(uri: string, digest: string) {
  const annotations = {
    "ml-release.dev/model": "adder@1.0.0",
    "ml-release.dev/digest": digest,
    "ml-release.dev/uri": uri,
  };
  return {
    apiVersion: "serving.kserve.io/v1beta1",
    kind: "InferenceService",
    metadata: { name: "adder" },
    spec: { predictor: { minReplicas: 1, annotations, model: { modelFormat: { name: "onnx" }, storageUri: uri } } },
  };
}

const OWN_ROUTE = {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name: "users" },
  spec: {
    parentRefs: [{ name: "gateway" }],
    hostnames: ["adder.example.com"],
    rules: [{ backendRefs: [{ name: "adder-predictor", port: 80 }] }],
  },
};
