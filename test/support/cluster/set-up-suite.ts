import type { TestProject } from "vitest/node";
import { quickBundles } from "../quick-bundles.ts";
import { lacksCluster, startCluster } from "./cluster.ts";
import type { ClusterAddress } from "./cluster-at.ts";

declare module "vitest" {
  interface ProvidedContext {
    readonly sharedCluster: ClusterAddress | undefined;
  }
}

/** Those that its files start as processes. */
const ACTIONS = ["deploy-model", "run-pipeline"];

/** Set up once for the whole suite. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [stopCluster, removeBundles] = await Promise.all([startShared(project), quickBundles(ACTIONS)]);
  return async () => {
    await stopCluster();
    await removeBundles();
  };
}

/**
 * A cluster, with the controller of Argo Rollouts, for all files that live in namespaces of their own. It has one large node and no GPU.
 * Who stops an API server, adds nodes or changes what is no namespace's starts one of their own.
 */
async function startShared(project: TestProject): Promise<() => Promise<void>> {
  if (await lacksCluster()) {
    project.provide("sharedCluster", undefined);
    return async () => {};
  }
  const cluster = await startCluster({ rollouts: true });
  await cluster.addNode({ cpu: "512", memory: "2Ti", pods: "2000" });
  project.provide("sharedCluster", cluster.address);
  return cluster.stop;
}
