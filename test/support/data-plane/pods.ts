import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { KubeApi, KubeObject } from "../cluster/api.ts";
import type { PodNetwork } from "./network.ts";

const SERVER = join(import.meta.dirname, "model-server.ts");
const LOOK_MS = 100;
/** From the moment that a pod is to go until its process is told: what `preStop` sleeps for, so that gateways have heard of it. */
const PRE_STOP_MS = 2_000;

export type PodRunner = { stop(): Promise<void> };

/**
 * Runs a process for every pod of a namespace that has the annotation `kubelet.test/ready`, on the pod's own address, with the variables
 * of its container; the pod is ready when the process answers.
 */
export function startPodRunner(api: KubeApi, network: PodNetwork, namespace: string): PodRunner {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const processes = new Map<string, ChildProcess>();
  const leaving = new Set<string>();
  let isStopped = false;

  const start = async (pod: KubeObject): Promise<void> => {
    const { containers } = pod.spec;
    const env = Object.fromEntries(
      (containers[0].env ?? []).map(({ name, value }: { name: string; value?: string }) => [name, value ?? ""]),
    );
    const child = network.spawn(process.execPath, [SERVER, pod.status.podIP, "8080"], env);
    processes.set(pod.metadata.name, child);
    await untilListening(network, pod.status.podIP);
    const body = { metadata: { annotations: { "kubelet.test/ready": "true" } } };
    await api.send(`${path}/${pod.metadata.name}`, {
      method: "PATCH",
      contentType: "application/merge-patch+json",
      body,
    });
  };

  const end = async (name: string): Promise<void> => {
    leaving.add(name);
    await new Promise((resolve) => setTimeout(resolve, PRE_STOP_MS));
    processes.get(name)?.kill("SIGTERM");
    processes.delete(name);
    leaving.delete(name);
  };

  const look = async (): Promise<void> => {
    const pods = (await api.get(path)).items as readonly KubeObject[];
    const staying = pods.filter(({ metadata }) => !("deletionTimestamp" in metadata));
    for (const pod of staying) {
      const waits = pod.metadata.annotations?.["kubelet.test/ready"] === "false";
      if (waits && pod.status?.podIP && pod.status.phase === "Running" && !processes.has(pod.metadata.name))
        void start(pod).catch(() => undefined);
    }
    const names = new Set(staying.map(({ metadata }) => metadata.name));
    for (const name of processes.keys()) if (!names.has(name) && !leaving.has(name)) void end(name);
  };

  const loop = (async () => {
    while (!isStopped) {
      await look().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  })();

  return {
    stop: async () => {
      isStopped = true;
      await loop;
      for (const child of processes.values()) child.kill("SIGKILL");
    },
  };
}

/** Asks from inside, until the port is open. */
async function untilListening(network: PodNetwork, address: string): Promise<void> {
  const probe = `for i in $(seq 1 200); do (exec 3<>/dev/tcp/${address}/8080) 2>/dev/null && exit 0; sleep 0.05; done; exit 1`;
  const child = network.spawn("bash", ["-c", probe]);
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`nothing listens at ${address}:8080`);
}
