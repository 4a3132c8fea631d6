import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { builtProgram } from "./build.ts";
import type { ControlPlane } from "./control-plane.ts";
import { freePorts } from "./ports.ts";

/** The kubelet of all nodes: kwok, which plays what `stages.yaml` says, and the end that gives a pod's log. */
export async function startKubelet(plane: ControlPlane): Promise<() => Promise<void>> {
  const logs = await startLogs(plane);
  const [port] = await freePorts(1);
  const config = join(plane.folder, "kwok.yaml");
  const settings = {
    apiVersion: "config.kwok.x-k8s.io/v1alpha1",
    kind: "KwokConfiguration",
    options: {
      manageAllNodes: true,
      nodeIP: "127.0.0.1",
      nodePort: logs.port,
      // Its own end for logs, which nobody asks.
      serverAddress: `127.0.0.1:${port}`,
      cidr: "10.0.0.0/16",
      nodeLeaseDurationSeconds: 40,
      // With a configuration file these have no defaults, and nothing happens.
      podPlayStageParallelism: 4,
      nodePlayStageParallelism: 4,
      nodeLeaseParallelism: 4,
      podsOnNodeSyncParallelism: 4,
    },
  };
  const stages = readFileSync(join(import.meta.dirname, "stages.yaml"), "utf8");
  writeFileSync(config, `${JSON.stringify(settings)}\n---\n${stages}`);
  plane.start("kwok", await builtProgram("kwok"), [`--config=${config}`, `--kubeconfig=${plane.kubeconfigOf("kwok")}`]);
  return logs.stop;
}

/** Answers `/containerLogs/NAMESPACE/POD/CONTAINER` as a kubelet does, from the pod's annotation. */
async function startLogs({ admin, certificates }: ControlPlane) {
  const tls = { cert: readFileSync(certificates.server), key: readFileSync(certificates.serverKey) };
  const server = createServer(tls, async (request, response) => {
    const url = new URL(request.url ?? "/", "https://kubelet.test");
    const [, end, namespace, name, container] = url.pathname.split("/");
    const { status, body: pod } = await admin.send(`/api/v1/namespaces/${namespace}/pods/${name}`);
    if (end !== "containerLogs" || status !== 200) {
      response.writeHead(404).end("pod not found");
      return;
    }
    const seen = (pod.status.containerStatuses ?? []) as readonly ContainerStatus[];
    const waiting = seen.find((one) => one.name === container)?.state.waiting;
    if (seen.length === 0 || (waiting !== undefined && waiting.reason !== "CrashLoopBackOff")) {
      const why = waiting?.reason ?? "ContainerCreating";
      response.writeHead(400).end(`container "${container}" in pod "${name}" is waiting to start: ${why}`);
      return;
    }
    const text: string = pod.metadata.annotations?.["kubelet.test/log"] ?? "";
    response.writeHead(200, { "content-type": "text/plain" }).end(lastLines(text, url.searchParams.get("tailLines")));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  };
  return { port: (server.address() as AddressInfo).port, stop };
}

type ContainerStatus = { readonly name: string; readonly state: { readonly waiting?: { readonly reason: string } } };

function lastLines(text: string, count: string | null): string {
  const lines = text.split(/(?<=\n)/);
  return (count === null ? lines : lines.slice(-Number(count))).join("");
}
