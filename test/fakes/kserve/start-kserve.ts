import type { Cluster } from "../../support/cluster/cluster.ts";
import { type Any, controllerApi } from "./api.ts";
import { gateway } from "./gateway.ts";
import { reconcileKnative } from "./knative.ts";
import { reconcileKnativeMode } from "./knative-mode.ts";
import { reconcileStandardMode } from "./standard-mode.ts";
import { newWorld, type Recorder, type World, type WorldOptions } from "./world.ts";

export type FakeKServe = {
  /** A new namespace in which KServe is as the options say. */
  world(options?: WorldOptions): Promise<World>;
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
    stop: async () => {
      isOver = true;
      await running;
      api.close();
    },
  };

  async function look(): Promise<void> {
    const [isvcs, ksvcs, revisions, deployments, httpRoutes, slices, pods] = await Promise.all(
      [
        "/apis/serving.kserve.io/v1beta1/inferenceservices",
        "/apis/serving.knative.dev/v1/services",
        "/apis/serving.knative.dev/v1/revisions",
        "/apis/apps/v1/deployments",
        "/apis/gateway.networking.k8s.io/v1/httproutes",
        "/apis/discovery.k8s.io/v1/endpointslices",
        "/api/v1/pods",
      ].map((path) => api.list(path)),
    );
    await Promise.all(
      [...worlds.values()].map(async (world) => {
        const inside = (all: readonly Any[] = []) =>
          all.filter(({ metadata }) => metadata.namespace === world.namespace);
        // gateways have a pace of their own
        await routes.reconcile(world, { routes: inside(httpRoutes), slices: inside(slices), pods: inside(pods) });
        if (world.has("slow-controllers") && Date.now() - (looked.get(world.namespace) ?? 0) < SLOW_MS) return;
        looked.set(world.namespace, Date.now());
        for (const isvc of inside(isvcs)) {
          if (isvc.metadata.deletionTimestamp !== undefined) continue;
          const ksvc = inside(ksvcs).find(({ metadata }) => metadata.name === `${isvc.metadata.name}-predictor`);
          const mode = isvc.status?.deploymentMode ?? world.options.mode ?? "Knative";
          if (mode === "Knative") await reconcileKnativeMode({ api, world }, isvc, ksvc);
          else await reconcileStandardMode({ api, world }, isvc, inside(deployments));
        }
        for (const ksvc of inside(ksvcs))
          await reconcileKnative({ api, world }, ksvc, {
            revisions: inside(revisions),
            deployments: inside(deployments),
          });
      }),
    );
  }
}
