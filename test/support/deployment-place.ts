import type { KubeConnection } from "../../actions/shared/clients/kubernetes/connection.ts";
import type { ClusterServing } from "../../actions/shared/ports/serving.ts";
import { type GatewayController, startGatewayController } from "../fakes/gateway/gateway-controller.ts";
import { type KubeObject, need } from "./cluster/api.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { connectionTo } from "./cluster/connection.ts";
import { until } from "./cluster/part.ts";
import { type FraudOptions, fraudDeployment, fraudRoute, fraudService, fraudServing } from "./deployment-target.ts";

export type FraudPlaceOptions = {
  readonly deployment?: FraudOptions;
  /** HTTPRoutes to the service; none: the share is one of pods. Default: one. */
  readonly routes?: readonly string[];
  /** The label `pool` of the nodes that its pods go to. */
  readonly pool?: string;
};

/** A namespace in which `fraud` 1 serves, and what a test looks at there. */
export type FraudPlace = {
  readonly namespace: string;
  readonly gateway: GatewayController;
  readonly connection: KubeConnection;
  readonly serving: ClusterServing;
  /** Another process's. */
  fresh(more?: Parameters<typeof fraudServing>[1]): ClusterServing;
  get(kind: Kind, name: string): Promise<KubeObject>;
  patch(kind: Kind, name: string, body: object): Promise<void>;
  /** `NAME WEIGHT` of each backend of each rule. */
  backends(route: string): Promise<readonly (readonly string[])[]>;
  podNames(labels: string): Promise<readonly string[]>;
  /** Ready pods that a service sends to. */
  endpoints(service: string): Promise<readonly string[]>;
  /** What a rollout made and has not taken away. */
  leftovers(): Promise<readonly string[]>;
  stop(): Promise<void>;
};

export type Kind = "deployments" | "services" | "httproutes" | "autoscalers" | "pods" | "slices";

const PATHS: Readonly<Record<Kind, (namespace: string) => string>> = {
  deployments: (namespace) => `/apis/apps/v1/namespaces/${namespace}/deployments`,
  services: (namespace) => `/api/v1/namespaces/${namespace}/services`,
  httproutes: (namespace) => `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`,
  autoscalers: (namespace) => `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`,
  pods: (namespace) => `/api/v1/namespaces/${namespace}/pods`,
  slices: (namespace) => `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
};

export async function fraudPlace(
  cluster: Cluster,
  { deployment = {}, routes = ["fraud"], pool }: FraudPlaceOptions = {},
): Promise<FraudPlace> {
  const namespace = await cluster.namespace();
  const gateway = startGatewayController({ api: cluster.api, namespace });
  const stable = JSON.parse(fraudDeployment(deployment));
  if (pool !== undefined) stable.spec.template.spec.nodeSelector = { pool };
  for (const text of [JSON.stringify(stable), fraudService(), ...routes.map(fraudRoute)])
    await cluster.apply(text, namespace);
  const connection = await connectionTo(cluster, namespace);
  const get = (kind: Kind, name: string) => cluster.api.get(`${PATHS[kind](namespace)}/${name}`);
  const list = async (kind: Kind, labels = "") => {
    const { items } = await cluster.api.get(`${PATHS[kind](namespace)}?labelSelector=${encodeURIComponent(labels)}`);
    return items as readonly KubeObject[];
  };
  await until("the Deployment to serve", async () => {
    const { status, spec } = await get("deployments", "fraud");
    return status.readyReplicas === spec.replicas;
  });
  return {
    namespace,
    gateway,
    connection,
    get,
    serving: fraudServing(connection),
    fresh: (more = {}) => fraudServing(connection, more),
    patch: async (kind, name, body) => {
      const contentType = "application/merge-patch+json";
      const path = `${PATHS[kind](namespace)}/${name}`;
      need(path, await cluster.api.send(path, { method: "PATCH", contentType, body }), [200]);
    },
    backends: async (route) =>
      (await get("httproutes", route)).spec.rules.map((rule: { backendRefs: readonly Backend[] }) =>
        rule.backendRefs.map(({ name, weight }) => `${name} ${weight}`),
      ),
    podNames: async (labels) => namesOf(await list("pods", labels)),
    endpoints: async (service) =>
      (await list("slices", `kubernetes.io/service-name=${service}`))
        .flatMap(({ endpoints }) => endpoints ?? [])
        .filter(({ conditions }) => conditions.ready)
        .map(({ targetRef }) => targetRef.name)
        .sort(),
    leftovers: async () => {
      const made = namesOf([...(await list("deployments")), ...(await list("services"))]);
      const marked = (await list("httproutes")).filter(({ metadata }) => metadata.annotations !== undefined);
      return [...made.filter((name) => name.endsWith("-candidate")), ...namesOf(marked)];
    },
    stop: async () => {
      await gateway.stop();
      // A node takes 110 pods.
      await cluster.api.send(`/api/v1/namespaces/${namespace}`, { method: "DELETE" });
    },
  };
}

type Backend = { readonly name: string; readonly weight: number };

function namesOf(objects: readonly KubeObject[]): readonly string[] {
  return objects.map(({ metadata }) => metadata.name).sort();
}
