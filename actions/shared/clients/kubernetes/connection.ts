import { ReleaseError } from "../../lib/error.ts";
import { type HttpRequest, request, requestStream, type Send } from "../../lib/http.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { agentTransport } from "./https-transport.ts";
import { readInCluster } from "./in-cluster.ts";
import { type KubeconfigOptions, readKubeconfig } from "./kubeconfig.ts";
import { proxyOf } from "./proxy.ts";
import { explainStatus } from "./refusal.ts";
import type { Cluster, KubeTarget } from "./target.ts";
import { type Access, accessOf } from "./user-access.ts";

/** A way to one cluster as one user. Addresses are absolute and on `server`. */
export type KubeConnection = {
  /** The address of the API server, without a slash at its end. */
  readonly server: string;
  /** Where namespaced objects go unless said otherwise. */
  readonly namespace: string;
  /** As the kubeconfig names it, for sentences. */
  readonly user?: string;
  /** Refusals are errors in the API server's own words, with what to do; statuses in `okStatus` are answers. */
  readonly send: Send;
  /** The answer's body as it comes, for watches and logs. */
  stream(wanted: HttpRequest): Promise<StreamedAnswer>;
};

export type StreamedAnswer = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AsyncIterable<Uint8Array>;
};

export type ClusterOptions = Omit<KubeconfigOptions, "env"> & {
  /** Of the job; exec plugins see all of it. */
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "warn">;
  readonly signal?: AbortSignal;
};

/** Finds the cluster (kubeconfig, else the pod's own service account) and gives the way to it. Asks it nothing yet. */
export async function connectCluster(options: ClusterOptions): Promise<KubeConnection> {
  const target = (await readKubeconfig(options)) ?? (await readInCluster(options.env, options.namespace));
  if (target === undefined)
    throw new ReleaseError("CONFIG", {
      rule: "no cluster is known",
      saw: "no input kubeconfig, no KUBECONFIG, no ~/.kube/config, and this is no pod",
      hint: "set the input kubeconfig to a path, or to the text of one from a secret",
    });
  warnOf(target, options.log);
  return connectionTo({ ...target, cluster: withProxy(target.cluster, options) }, options);
}

/** A proxy that the kubeconfig names goes before the environment's. */
function withProxy(cluster: Cluster, { env, mask }: ClusterOptions): Cluster {
  const proxyUrl = cluster.proxyUrl ?? proxyOf(cluster.server, env);
  if (proxyUrl === undefined) return cluster;
  if (!URL.canParse(proxyUrl) || !/^(https?|socks5h?):\/\//.test(proxyUrl))
    throw new ReleaseError("CONFIG", {
      rule: "the proxy on the way to the cluster must be the address of one",
      saw: `${cluster.proxyUrl === undefined ? "HTTPS_PROXY" : "proxy-url"} without a scheme or a host`,
      allowed: "http, https or socks5",
      hint: "write it as http://proxy:3128",
    });
  const { password } = new URL(proxyUrl);
  if (password !== "") mask(decodeURIComponent(password));
  return { ...cluster, proxyUrl };
}

function warnOf({ cluster, from }: KubeTarget, log: Pick<Log, "warn">): void {
  if (cluster.isUnchecked)
    log.warn(
      `${from} says insecure-skip-tls-verify: whoever is on the way to ${cluster.server} can read and change everything; add certificate-authority-data instead`,
    );
  if (cluster.server.startsWith("http:") && !/^http:\/\/(127\.|localhost|\[::1\])/.test(cluster.server))
    log.warn(`${cluster.server} is reached by http: credentials are sent as they are`);
}

function connectionTo(target: KubeTarget, options: ClusterOptions): KubeConnection {
  const { name } = target.cluster;
  const server = addressOf(target.cluster);
  const access = accessOf(target, options);
  const service = `the cluster ${target.context ?? name}`;

  return {
    server,
    namespace: target.namespace,
    user: target.user.name,
    send: (wanted) => withAccess(wanted, request, async () => {}),
    stream: (wanted) => withAccess(wanted, requestStream, drain),
  };

  async function withAccess<A extends { readonly status: number }>(
    wanted: HttpRequest,
    send: (request: HttpRequest) => Promise<A>,
    discard: (answer: A) => Promise<void>,
  ): Promise<A> {
    checkAddress(wanted);
    const first = await access.get();
    if (access.renew === undefined || wanted.okStatus?.includes(401)) return await send(hop(wanted, first));
    const accepted = wanted.okStatus ?? OK;
    const answer = await send({ ...hop(wanted, first), okStatus: [...accepted, 401] });
    if (answer.status !== 401) return answer;
    await discard(answer);
    access.renew(first);
    return await send(hop(wanted, await access.get()));
  }

  /** Credentials go nowhere else. */
  function checkAddress({ url }: HttpRequest): void {
    if (new URL(url).href.startsWith(`${server}/`)) return;
    throw new ReleaseError("INTERNAL", {
      rule: "a request must be to the cluster",
      saw: new URL(url).origin,
      allowed: server,
    });
  }

  function hop(wanted: HttpRequest, { agent, headers }: Access): HttpRequest {
    const address = `${wanted.method ?? "GET"} ${new URL(wanted.url).pathname}`;
    const hints = { AUTH: access.hint, CONFIG: CERTIFICATE_HINT, ...wanted.hints };
    return {
      clock: options.clock,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...wanted,
      service: wanted.service || service,
      hints,
      transport: agentTransport(agent, headers),
      explain: (refused) =>
        wanted.explain?.(refused) ?? explainStatus(refused, { what: `${service} (${address})`, hints }),
    };
  }
}

/** As addresses on it are written: hosts in small letters, without the port that the scheme has anyway. */
function addressOf({ server }: Cluster): string {
  const { origin, pathname } = new URL(server);
  return `${origin}${pathname.replace(/\/+$/, "")}`;
}

const OK = Array.from({ length: 100 }, (_, i) => 200 + i);

const CERTIFICATE_HINT =
  "check certificate-authority-data and server of the kubeconfig: they must be of the same cluster (tls-server-name where it is reached by another name)";

async function drain({ body }: StreamedAnswer): Promise<void> {
  for await (const _ of body) break;
}
