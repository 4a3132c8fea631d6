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

export type PodProcess = {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
};

/** What serves at the pod's address, on port 8080. */
export type PodProgram = (pod: KubeObject) => Promise<PodProcess>;

export type PodRunnerOptions = {
  readonly api: KubeApi;
  readonly network: PodNetwork;
  readonly namespace: string;
  /** Else a server that says its version. */
  readonly program?: PodProgram | undefined;
};

/**
 * Runs a process for every pod of a namespace that has the annotation `kubelet.test/ready`, on the pod's own address; the pod is ready when
 * the process answers.
 */
export function startPodRunner({ api, network, namespace, program = modelServer }: PodRunnerOptions): PodRunner {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const processes = new Map<string, ChildProcess>();
  const leaving = new Set<string>();
  const started = new Set<string>();
  let isStopped = false;

  const start = async (pod: KubeObject): Promise<void> => {
    const run = await program(pod);
    const child = network.spawn(run.program, run.args, run.env);
    processes.set(pod.metadata.name, child);
    await untilListening(network, pod.status.podIP, child);
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
      if (!waits || !pod.status?.podIP || pod.status.phase !== "Running" || started.has(pod.metadata.name)) continue;
      started.add(pod.metadata.name);
      void start(pod).catch((error: unknown) => console.warn(`pod ${pod.metadata.name}: ${error}`));
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

/** The variables of the only container. */
export function envOf({ spec }: KubeObject): Readonly<Record<string, string>> {
  const entries: readonly { readonly name: string; readonly value?: string }[] = spec.containers[0].env ?? [];
  return Object.fromEntries(entries.map(({ name, value }) => [name, value ?? ""]));
}

async function modelServer(pod: KubeObject): Promise<PodProcess> {
  return { program: process.execPath, args: [SERVER, pod.status.podIP, "8080"], env: envOf(pod) };
}

/** Asks from inside, until the port is open or the process has ended. */
async function untilListening(network: PodNetwork, address: string, server: ChildProcess): Promise<void> {
  const probe = `until (exec 3<>/dev/tcp/${address}/8080) 2>/dev/null; do sleep 0.05; done`;
  const child = network.spawn("bash", ["-c", probe]);
  server.once("exit", () => child.kill());
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`nothing listens at ${address}:8080`);
}
