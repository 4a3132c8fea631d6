import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REQUIRE_REAL } from "../built-tool.ts";
import { type KubeApi, type KubeObject, need } from "./api.ts";
import { canBuild } from "./build.ts";
import type { ClientCertificate } from "./certificates.ts";
import { type ClusterAddress, clusterAt } from "./cluster-at.ts";
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from "./control-plane.ts";
import { keptEtcd } from "./kept-etcd.ts";
import { startKubelet } from "./kubelet.ts";
import { type NodeOptions, nodeObject } from "./nodes.ts";
import { until } from "./part.ts";
import { startRollouts } from "./rollouts.ts";
import { startTrainer } from "./trainer.ts";
import type { Login } from "./users.ts";

/** A Kubernetes of the tests, and what every test may do with it: the real API server, controllers and scheduler; kwok plays the kubelet. */
export type Cluster = {
  readonly server: string;
  /** The authority of its certificates, as PEM. */
  readonly ca: string;
  /** As one who may do everything. */
  readonly api: KubeApi;
  /** As whoever has this token. */
  as(token: string): KubeApi;
  /** Tokens of `admin` and of `limited`, who may do nothing until a test says so. */
  readonly tokens: Readonly<Record<"admin" | "limited", string>>;
  /** A new namespace, for one test. */
  namespace(): Promise<string>;
  apply(yaml: string, namespace?: string): Promise<readonly KubeObject[]>;
  /** The path of a new kubeconfig. */
  kubeconfig(login: "admin" | "limited" | Login, namespace?: string): string;
  /** A token of a service account, which is made where it is not there. */
  accountToken(namespace: string, account: string): Promise<string>;
  clientCertificate(user: string, groups?: readonly string[]): ClientCertificate;
};

/** A cluster that nobody else uses: its nodes and its API server may come and go. */
export type OwnCluster = Cluster & {
  /** Where other processes find it. */
  readonly address: ClusterAddress;
  /** A node that takes pods; its name. */
  addNode(options?: NodeOptions): Promise<string>;
  removeNode(name: string): Promise<void>;
  /** All clients are cut off for some seconds, and what they have seen is older than what the server remembers: 410 for watches. */
  restartApiServer(): Promise<void>;
  stopApiServer(): Promise<void>;
  startApiServer(): Promise<void>;
  /** etcd forgets all revisions but the newest: 410 for lists that go on from an old page. */
  compact(): Promise<void>;
  /** What runs: each part's process, and its resident memory. */
  parts(): readonly { readonly name: string; readonly pid: number; readonly residentMiB: number }[];
  stop(): Promise<void>;
};

export type ClusterOptions = ControlPlaneOptions & {
  /** Besides etcd, the API server, the controllers, the scheduler and the kubelet. */
  readonly trainer?: boolean;
  readonly rollouts?: boolean;
  /** Only etcd and the API server: nothing happens to what is applied. */
  readonly bare?: boolean;
};

const PREFIX = "ml-release-cluster-";

/** Whether suites on a cluster are left out: only where it cannot be had and nobody insists on it. */
export async function lacksCluster(): Promise<boolean> {
  if (REQUIRE_REAL || (await canBuild())) return false;
  console.warn("Go is not installed: the suites on a real Kubernetes are skipped");
  return true;
}

/** Starts in about five seconds, once its programs are built. Ends with the process that started it, however that ends. */
export async function startCluster({
  trainer = false,
  rollouts = false,
  bare = false,
  ...options
}: ClusterOptions = {}): Promise<OwnCluster> {
  removeOrphans();
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  cpSync(await keptEtcd(), folder, { recursive: true });
  const plane = await startControlPlane(folder, options);
  let stopKubelet = async () => {};
  const stop = async () => {
    await plane.stop();
    await stopKubelet();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    if (!bare) {
      await Promise.all([plane.startControllers(), plane.startScheduler()]);
      stopKubelet = await startKubelet(plane);
    }
    if (trainer) await startTrainer(plane);
    if (rollouts) await startRollouts(plane);
  } catch (error) {
    await stop();
    throw error;
  }
  return ownCluster(plane, { bare, stop });
}

function ownCluster(
  plane: ControlPlane,
  { bare, stop }: { readonly bare: boolean; readonly stop: () => Promise<void> },
): OwnCluster {
  const { server, ca, folder, tokens } = plane;
  const address: ClusterAddress = { server, ca, tokens, folder, isBare: bare };
  const cluster = clusterAt(address, plane.parts);
  const { api } = cluster;
  let nodes = 0;
  return {
    ...cluster,
    address,
    addNode: async (options = {}) => {
      const name = options.name ?? `node-${++nodes}`;
      need(name, await api.send("/api/v1/nodes", { method: "POST", body: nodeObject(name, options) }), [201]);
      await until(
        `${name} to be ready`,
        async () => {
          const { status, spec } = await api.get(`/api/v1/nodes/${name}`);
          const isReady = status.conditions?.some(
            (one: { type: string; status: string }) => one.type === "Ready" && one.status === "True",
          );
          const isTainted = spec.taints?.some(({ key }: { key: string }) => key.startsWith("node.kubernetes.io/"));
          return isReady && !isTainted;
        },
        { parts: plane.parts() },
      );
      return name;
    },
    removeNode: async (name) => {
      need(name, await api.send(`/api/v1/nodes/${name}`, { method: "DELETE" }), [200]);
    },
    restartApiServer: async () => {
      await plane.stopApiServer();
      await plane.startApiServer();
    },
    stopApiServer: plane.stopApiServer,
    startApiServer: plane.startApiServer,
    compact: async () => {
      const ask = async (path: string, body: object) => {
        const answer = await fetch(new URL(path, plane.etcd), { method: "POST", body: JSON.stringify(body) });
        if (!answer.ok) throw new Error(`etcd answered ${answer.status}: ${await answer.text()}`);
        return (await answer.json()) as { readonly header: { readonly revision: string } };
      };
      const { header } = await ask("/v3/kv/range", { key: "AA==" });
      await ask("/v3/kv/compaction", { revision: header.revision, physical: true });
    },
    parts: () => plane.parts().map(({ name, pid }) => ({ name, pid, residentMiB: residentMiB(pid) })),
    stop,
  };
}

function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

/** Folders of clusters whose test process was killed: their parts have ended with it. */
function removeOrphans(): void {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const pid = name.slice(PREFIX.length).split("-")[0];
    if (!existsSync(`/proc/${pid}`)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}
