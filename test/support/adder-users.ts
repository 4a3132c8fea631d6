import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Any, controllerApi } from "../fakes/kserve/api.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { type RealPrometheus, startPrometheus } from "./prometheus.ts";

/** What is there in all namespaces, as one look found it. */
type Sight = Readonly<Record<"pods" | "slices" | "routes" | "ingresses", readonly Any[]>>;

/** The part of the requests that each version answers, from 0 to 1. */
export type Shares = Readonly<Record<string, number>>;

/** A namespace in which `adder` serves, and who its users are. */
export type Served = {
  readonly namespace: string;
  shares(sight: Sight): Shares;
};

type UsersWish = Served & {
  /** The part of a version's answers that are errors, by version. */
  readonly failing?: Readonly<Record<string, number>>;
  /** Hears what each look found. */
  readonly seen?: (shares: Shares) => void;
};

/** Users of many places at once, and the Prometheus that scrapes the pods that answer them. */
export type AdderUsers = {
  readonly prometheus: string;
  /** Sends requests from now on, until the returned function is called. */
  use(wish: UsersWish): () => void;
  stop(): Promise<void>;
};

const EVERY_MS = 200;
const REQUESTS_PER_SECOND = 400;

const PATHS: Readonly<Record<keyof Sight, string>> = {
  pods: "/api/v1/pods",
  slices: "/apis/discovery.k8s.io/v1/endpointslices",
  routes: "/apis/gateway.networking.k8s.io/v1/httproutes",
  ingresses: "/apis/networking.k8s.io/v1/ingresses",
};

/** Requests are counted, not sent: the pods have no processes. A pod that is gone takes its counters with it. */
export async function startUsers(cluster: Cluster): Promise<AdderUsers> {
  const api = controllerApi(cluster);
  const places = new Set<UsersWish>();
  let counters = new Map<string, Counter>();
  let isOver = false;

  const playing = (async () => {
    let before = Date.now();
    while (!isOver) {
      await sleep(EVERY_MS);
      const sight = await look().catch(() => undefined);
      if (sight === undefined) continue;
      const requests = (REQUESTS_PER_SECOND * (Date.now() - before)) / 1_000;
      before = Date.now();
      counters = new Map([...places].flatMap((place) => [...count(place, sight, { requests, counters })]));
    }
  })();

  async function look(): Promise<Sight> {
    const kinds = Object.keys(PATHS) as readonly (keyof Sight)[];
    const found = await Promise.all(kinds.map(async (kind) => [kind, await api.list(PATHS[kind])] as const));
    return Object.fromEntries(found) as Sight;
  }

  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/plain; version=0.0.4" });
    response.end(["# TYPE http_requests_total counter", ...[...counters.values()].flatMap(samplesOf), ""].join("\n"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const prometheus: RealPrometheus = await startPrometheus({ everyMs: 500, targets: [{ port, labels: {} }] });
  return {
    prometheus: prometheus.url,
    use: (wish) => {
      places.add(wish);
      return () => places.delete(wish);
    },
    stop: async () => {
      isOver = true;
      await playing;
      await prometheus.stop();
      api.close();
      server.closeAllConnections();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}

/** For the rollout file: what the pods count. */
export const POD_METRICS = `metrics:
  requests: 'http_requests_total{namespace="{{namespace}}", pod=~"{{pods}}"}'
  errors: 'http_requests_total{namespace="{{namespace}}", pod=~"{{pods}}", code="500"}'
  offset: 100ms
  patience: 20s
  settle: 500ms
`;

/** What users get by the weights of Services, of the pods that can answer behind them. */
export function sharesBehind(
  { pods, slices }: Sight,
  namespace: string,
  backends: readonly { readonly name: string; readonly weight: number }[],
): Shares {
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  const shares: Record<string, number> = {};
  for (const { name, weight } of backends) {
    const names = slices
      .filter(({ metadata }) => metadata.namespace === namespace)
      .filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === name)
      .flatMap(({ endpoints }) => endpoints ?? [])
      .filter(({ conditions }: Any) => conditions?.ready === true)
      .map(({ targetRef }: Any) => targetRef?.name);
    const versions = names.map((pod: string) =>
      versionOf(pods.find(({ metadata }) => metadata.namespace === namespace && metadata.name === pod)),
    );
    for (const version of versions) shares[version] = (shares[version] ?? 0) + weight / total / versions.length;
  }
  return shares;
}

/** Which version a pod says it serves. */
function versionOf(pod: Any): string {
  return pod?.metadata.annotations?.["ml-release.dev/model"]?.split("@")[1] ?? "";
}

type Counter = { readonly namespace: string; readonly pod: string; readonly ok: number; readonly errors: number };
type Counting = { readonly requests: number; readonly counters: ReadonlyMap<string, Counter> };

function count(
  place: UsersWish,
  sight: Sight,
  { requests, counters }: Counting,
): readonly (readonly [string, Counter])[] {
  const { namespace, failing = {} } = place;
  const shares = place.shares(sight);
  place.seen?.(shares);
  const ready = sight.pods.filter(
    ({ metadata, status }) =>
      metadata.namespace === namespace &&
      status.conditions?.some(({ type, status: is }: Any) => type === "Ready" && is === "True"),
  );
  return ready.map((one) => {
    const version = versionOf(one);
    const pod: string = one.metadata.name;
    const key = `${namespace}/${pod}`;
    const alike = ready.filter((other) => versionOf(other) === version).length;
    const known = counters.get(key);
    const each = known === undefined ? 0 : Math.round((requests * (shares[version] ?? 0)) / alike);
    const bad = Math.round(each * (failing[version] ?? 0));
    return [key, { namespace, pod, ok: (known?.ok ?? 0) + each - bad, errors: (known?.errors ?? 0) + bad }];
  });
}

function samplesOf({ namespace, pod, ok, errors }: Counter): readonly string[] {
  return [
    `http_requests_total{namespace="${namespace}",pod="${pod}",code="200"} ${ok}`,
    `http_requests_total{namespace="${namespace}",pod="${pod}",code="500"} ${errors}`,
  ];
}
