import { type GatewayController, startGatewayController } from "../../fakes/gateway/gateway-controller.ts";
import type { KubeApi, KubeObject } from "../cluster/api.ts";
import { type Edge, type Routing, startEdge } from "./haproxy.ts";
import { type PodNetwork, startPodNetwork } from "./network.ts";
import { type PodProgram, startPodRunner } from "./pods.ts";

/** Real requests, split by the HTTPRoutes of a namespace among real processes, one for each running pod. */
export type DataPlane = Pick<Edge, "url" | "metrics"> & { readonly gateway: GatewayController; stop(): Promise<void> };

export type DataPlaneOptions = {
  readonly api: KubeApi;
  readonly namespace: string;
  /** The services that requests may go to. */
  readonly services: readonly string[];
  /** One that is there already, and stays. */
  readonly network?: PodNetwork;
  /** What a pod runs; else a server that says its version. */
  readonly program?: PodProgram;
};

export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const { api, namespace, services, program } = options;
  const network = options.network ?? (await startPodNetwork());
  const edge = await startEdge(network, { namespace, services });
  const pods = startPodRunner({ api, network, namespace, program });
  let inForce = "";
  const gateway = startGatewayController({
    api,
    namespace,
    program: async (routes) => {
      const routing = routingOf(services, routes, await readySlices(api, namespace));
      const text = JSON.stringify(routing);
      if (text === inForce) return;
      await edge.route(routing);
      inForce = text;
    },
  });
  return {
    url: edge.url,
    metrics: edge.metrics,
    gateway,
    stop: async () => {
      await gateway.stop();
      await pods.stop();
      await edge.stop();
      if (options.network === undefined) await network.stop();
    },
  };
}

type Ready = ReadonlyMap<string, readonly string[]>;

async function readySlices(api: KubeApi, namespace: string): Promise<Ready> {
  const { items } = await api.get(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`);
  const found = new Map<string, string[]>();
  for (const { metadata, endpoints } of items as readonly KubeObject[]) {
    const service = metadata.labels?.["kubernetes.io/service-name"] ?? "";
    const ready = (endpoints ?? []).filter((one: Endpoint) => one.conditions.ready !== false);
    const addresses = ready.flatMap((one: Endpoint) => one.addresses);
    found.set(service, [...(found.get(service) ?? []), ...addresses].sort());
  }
  return found;
}

type Endpoint = { readonly addresses: readonly string[]; readonly conditions: { readonly ready?: boolean } };

/** Its routes are all alike: the first rule says how it is split. Without any, everything goes to the first service. */
function routingOf(services: readonly string[], routes: readonly KubeObject[], ready: Ready): Routing {
  const refs: readonly Backend[] = routes[0]?.spec.rules[0].backendRefs ?? [{ name: services[0] ?? "" }];
  return Object.fromEntries(
    services.map((service) => {
      const weight =
        refs.find(({ name }) => name === service)?.weight ?? (refs.some(({ name }) => name === service) ? 1 : 0);
      return [service, { weight, addresses: ready.get(service) ?? [] }];
    }),
  );
}

type Backend = { readonly name: string; readonly weight?: number };
