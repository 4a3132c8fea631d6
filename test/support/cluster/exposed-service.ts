import { type AddressInfo, connect, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import type { Cluster } from "./cluster.ts";
import { until } from "./part.ts";

/** An address of this machine that the API server sends to: not of loopback. */
export function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === "IPv4" && !internal)?.address;
}

export type ExposedService = {
  readonly namespace: string;
  readonly name: string;
  readonly port: string;
  /** A server on loopback. */
  readonly target: string;
};

/** Makes a server of this machine a service of the cluster, which needs a node. Ends with what is returned. */
export async function exposeService(
  cluster: Cluster,
  { namespace, name, port, target }: ExposedService,
): Promise<() => Promise<void>> {
  const host = ownAddress();
  if (host === undefined) throw new Error("this machine has no address but those of loopback");
  const { hostname, port: targetPort } = new URL(target);
  const server = createServer((incoming) => {
    const onward = connect(Number(targetPort), hostname);
    incoming.pipe(onward).pipe(incoming);
    for (const [one, other] of [
      [incoming, onward],
      [onward, incoming],
    ] as const)
      one.on("error", () => other.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const listening = (server.address() as AddressInfo).port;
  await cluster.apply(podWithAddress(name, host), namespace);
  await cluster.apply(serviceTo(name, { name: port, targetPort: listening }), namespace);
  await until(`${name} to have an address`, async () => {
    const { subsets } = await cluster.api.get(`/api/v1/namespaces/${namespace}/endpoints/${name}`);
    return subsets?.[0]?.addresses?.length === 1;
  });
  return async () => {
    await new Promise((closed) => server.close(closed));
  };
}

/** A service in front of the pods of its name. */
export function serviceTo(name: string, port: { readonly name: string; readonly targetPort: number }): string {
  const spec = { selector: { app: name }, ports: [{ ...port, port: 80 }] };
  return JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name }, spec });
}

/** The API server sends to addresses of pods only. */
function podWithAddress(name: string, address: string): string {
  const metadata = { name, labels: { app: name }, annotations: { "kubelet.test/pod-ip": address } };
  const spec = { containers: [{ name: "main", image: "registry.test/server:1" }] };
  return JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec });
}
