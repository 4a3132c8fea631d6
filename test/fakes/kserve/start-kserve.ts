import type { Cluster } from "../../support/cluster/cluster.ts";
import { controllerApi } from "./api.ts";
import { gateway } from "./gateway.ts";
import { reconcileKnative } from "./knative.ts";
import { reconcileKnativeMode } from "./knative-mode.ts";
import { reconcileStandardMode } from "./standard-mode.ts";
import { newWorld, type Recorder, type World, type WorldOptions } from "./world.ts";

export type FakeKServe = {
  /** A new namespace in which KServe is as the options say. */
  world(options?: WorldOptions): Promise<World>;
  /** Nobody looks after that namespace any more. */
  leave(world: World): void;
  stop(): Promise<void>;
};

const LOOK_MS = 150;
const SLOW_MS = 1_000;

/** Small controllers of KServe, Knative Serving and a gateway, on a real API server. Deployments and pods are the cluster's own. */
export function startKServe(cluster: Cluster): FakeKServe {
  const api = controllerApi(cluster);
  const routes = gateway(api);
  const worlds = new Map<string, Recorder>();
  const looked = new Map<string, number>();
  let isOver = false;

  const running = (async () => {
    while (!isOver) {
      if (worlds.size > 0) await look().catch((error: unknown) => (isOver ? undefined : console.error(error)));
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  })();

  return {
    world: async (options = {}) => {
      const namespace = await cluster.namespace();
      const world = newWorld(namespace, options);
      worlds.set(namespace, world);
      return world;
    },
    leave: ({ namespace }) => {
      worlds.delete(namespace);
    },
    stop: async () => {
      isOver = true;
      await running;
      api.close();
    },
  };

  async function look(): Promise<void> {
    await Promise.all([...worlds.values()].map(lookAt));
  }

  async function lookAt(world: Recorder): Promise<void> {
    const inside = (group: string, plural: string) => api.list(`${group}/namespaces/${world.namespace}/${plural}`);
    const [isvcs, ksvcs, revisions, deployments, httpRoutes, slices, pods] = await Promise.all([
      inside("/apis/serving.kserve.io/v1beta1", "inferenceservices"),
      inside("/apis/serving.knative.dev/v1", "services"),
      inside("/apis/serving.knative.dev/v1", "revisions"),
      inside("/apis/apps/v1", "deployments"),
      inside("/apis/gateway.networking.k8s.io/v1", "httproutes"),
      inside("/apis/discovery.k8s.io/v1", "endpointslices"),
      inside("/api/v1", "pods"),
    ]);
    // gateways have a pace of their own
    await routes.reconcile(world, { routes: httpRoutes, slices, pods });
    if (world.has("slow-controllers") && Date.now() - (looked.get(world.namespace) ?? 0) < SLOW_MS) return;
    looked.set(world.namespace, Date.now());
    for (const isvc of isvcs) {
      if (isvc.metadata.deletionTimestamp !== undefined) continue;
      const ksvc = ksvcs.find(({ metadata }) => metadata.name === `${isvc.metadata.name}-predictor`);
      const mode = isvc.status?.deploymentMode ?? world.options.mode ?? "Knative";
      if (mode === "Knative") await reconcileKnativeMode({ api, world }, isvc, ksvc);
      else await reconcileStandardMode({ api, world }, isvc, deployments);
    }
    for (const ksvc of ksvcs) await reconcileKnative({ api, world }, ksvc, { revisions, deployments });
  }
}
