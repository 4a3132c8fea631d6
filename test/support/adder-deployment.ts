import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type GatewayController, startGatewayController } from "../fakes/gateway/gateway-controller.ts";
import type { KubeObject } from "./cluster/api.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { ownAddress } from "./cluster/exposed-service.ts";
import { until } from "./cluster/part.ts";
import { type RealPrometheus, startPrometheus } from "./prometheus.ts";

/** How often the versions fail, by version; the rest of the requests is answered well. */
export type AdderFaults = Readonly<Record<string, number>>;

/** A namespace in which a Deployment serves `adder` 1.0.0 behind an HTTPRoute, with users that send requests all the time. */
export type AdderPlace = {
  readonly namespace: string;
  readonly prometheus: RealPrometheus;
  /** `NAME WEIGHT` of each backend of the route's rule. */
  backends(): Promise<readonly string[]>;
  deployment(name?: string): Promise<KubeObject>;
  /** The version that a Deployment says it serves; undefined where there is none. */
  versionOf(name?: string): Promise<string | undefined>;
  stop(): Promise<void>;
};

export type AdderPlaceOptions = {
  readonly cluster: Cluster;
  /** Of 1.0.0, as it was registered. */
  readonly digest: string;
  readonly faults?: AdderFaults;
};

const REQUESTS_PER_SECOND = 100;
const TICK_MS = 20;
/** Requests of users that came while Prometheus looked. */
const SEEN = 'increase(edge_requests_total{service="adder",code="200"}[10s]) > 0';

/** The pods have no processes: one server of this machine answers for all of them, and counts what users would have got. */
export async function adderPlace({ cluster, digest, faults = {} }: AdderPlaceOptions): Promise<AdderPlace> {
  const namespace = await cluster.namespace();
  const host = ownAddress();
  if (host === undefined) throw new Error("this machine has no address but those of loopback");
  const counters = userCounters();
  const server = createServer((request, response) => answer(request, response, counters.text));
  // for the API server by the address of its machine, for Prometheus by that of loopback
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  const deployment = async (name = "adder"): Promise<KubeObject> => cluster.api.get(`${path}/${name}`);
  const versionOf = async (name = "adder") => {
    const found = await cluster.api.send(`${path}/${name}`);
    if (found.status !== 200) return undefined;
    return versionIn(found.body as KubeObject);
  };
  const backendsOf = (route: KubeObject) =>
    (route.spec.rules[0].backendRefs as readonly Backend[]).map(({ name, weight = 1 }) => ({ name, weight }));
  let split: readonly { readonly name: string; readonly weight: number }[] = [{ name: "adder", weight: 1 }];
  let versions: Readonly<Record<string, string | undefined>> = {};
  const gateway: GatewayController = startGatewayController({
    api: cluster.api,
    namespace,
    program: async ([route]) => {
      if (route !== undefined) split = backendsOf(route);
      versions = Object.fromEntries(
        await Promise.all(split.map(async ({ name }) => [name, await versionOf(name)] as const)),
      );
    },
  });
  for (const object of [adderDeployment({ digest, host }), adderService(port), ADDER_ROUTE])
    await cluster.apply(JSON.stringify(object), namespace);
  await until("the Deployment to serve", async () => (await deployment()).status.readyReplicas === 2);
  const users = setInterval(() => {
    counters.send((REQUESTS_PER_SECOND * TICK_MS) / 1_000, split, (name) => faults[versions[name] ?? ""] ?? 0);
  }, TICK_MS);
  const prometheus = await startPrometheus({ everyMs: 500, targets: [{ port, labels: { job: "gateway" } }] });
  await until("Prometheus to have counted users", async () => {
    const found = await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(SEEN)}`);
    const { data } = (await found.json()) as { readonly data: { readonly result: readonly unknown[] } };
    return data.result.length > 0;
  });
  return {
    namespace,
    prometheus,
    backends: async () => {
      const route = await cluster.api.get(
        `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes/adder`,
      );
      return backendsOf(route).map(({ name, weight }) => `${name} ${weight}`);
    },
    deployment,
    versionOf,
    stop: async () => {
      clearInterval(users);
      await gateway.stop();
      await prometheus.stop();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

type Backend = { readonly name: string; readonly weight?: number };

function versionIn(deployment: KubeObject): string | undefined {
  const named: string | undefined = deployment.spec.template.metadata.annotations?.["ml-release.dev/model"];
  return named?.slice(named.lastIndexOf("@") + 1);
}

const LABELS = { app: "adder" };

/** What users have. The kubelet of the tests gives its pods the address of this machine. */
export function adderDeployment({ digest, host }: { readonly digest: string; readonly host: string }) {
  const annotations = {
    "ml-release.dev/model": "adder@1.0.0",
    "ml-release.dev/digest": digest,
    "kubelet.test/pod-ip": host,
  };
  const containers = [{ name: "server", image: "registry.test/adder:1", ports: [{ containerPort: 8080 }] }];
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "adder", labels: LABELS },
    spec: {
      replicas: 2,
      selector: { matchLabels: LABELS },
      template: { metadata: { labels: LABELS, annotations }, spec: { containers } },
    },
  };
}

export function adderService(targetPort: number) {
  const spec = { selector: LABELS, ports: [{ name: "http", port: 80, targetPort }] };
  return { apiVersion: "v1", kind: "Service", metadata: { name: "adder" }, spec };
}

export const ADDER_ROUTE = {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name: "adder" },
  spec: {
    parentRefs: [{ name: "edge" }],
    hostnames: ["adder.test"],
    rules: [{ backendRefs: [{ name: "adder", port: 80 }] }],
  },
};

/** A server of the Open Inference Protocol v2, and what the gateway in front of it counts. */
function answer(request: IncomingMessage, response: ServerResponse, metrics: () => string): void {
  request.resume();
  if (request.url === "/metrics") return void response.writeHead(200, { "content-type": "text/plain" }).end(metrics());
  const value = ADDER_ANSWERS[request.url ?? ""];
  response.writeHead(value === undefined ? 404 : 200, { "content-type": "application/json" });
  response.end(JSON.stringify(value ?? { error: "not found" }));
}

/** By path. */
export const ADDER_ANSWERS: Readonly<Record<string, object>> = {
  "/v2/health/ready": { ready: true },
  "/v2/models/adder": { name: "adder", inputs: [{ name: "numbers", datatype: "FP64", shape: [-1] }] },
  "/v2/models/adder/infer": { outputs: [{ name: "sum", datatype: "FP64", shape: [1], data: [0] }] },
};

/** Requests of users by service, sent as the weights say. */
function userCounters() {
  const counts = new Map<string, { requests: number; errors: number }>();
  let due = 0;
  return {
    send(
      requests: number,
      split: readonly { readonly name: string; readonly weight: number }[],
      faultsOf: (name: string) => number,
    ): void {
      const total = split.reduce((sum, { weight }) => sum + weight, 0);
      for (due += requests; due >= 1; due -= 1) {
        let dice = Math.random() * total;
        const chosen = split.find(({ weight }) => {
          dice -= weight;
          return dice < 0;
        });
        if (chosen === undefined) continue;
        const count = counts.get(chosen.name) ?? { requests: 0, errors: 0 };
        counts.set(chosen.name, count);
        count.requests += 1;
        if (Math.random() < faultsOf(chosen.name)) count.errors += 1;
      }
      // a service that is known has its series, also before its first request
      for (const { name } of split) if (!counts.has(name)) counts.set(name, { requests: 0, errors: 0 });
    },
    text: () =>
      [...counts]
        .flatMap(([service, { requests, errors }]) => [
          `edge_requests_total{service="${service}",code="200"} ${requests - errors}`,
          `edge_requests_total{service="${service}",code="500"} ${errors}`,
        ])
        .join("\n")
        .concat("\n"),
  };
}

/** For the rollout file: what the gateway counts, by service. */
export const EDGE_METRICS = `metrics:
  requests: 'edge_requests_total{service="{{service}}"}'
  errors: 'edge_requests_total{service="{{service}}", code="500"}'
  offset: 100ms
  patience: 20s
  settle: 1s
`;
