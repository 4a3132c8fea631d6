import { ReleaseError } from "../../lib/error.ts";
import type { HttpRequest, Send } from "../../lib/http.ts";
import type { KubeConnection } from "./connection.ts";
import { explainStatus } from "./refusal.ts";

export type ProxiedService = {
  readonly name: string;
  /** Number or name of the service's port. */
  readonly port: string | number;
  /** Default http. */
  readonly scheme?: "http" | "https";
  /** Default: the connection's. */
  readonly namespace?: string;
};

/**
 * A service inside of the cluster, reached through the API server with the kubeconfig's credentials: its base address, and what sends there.
 * The service itself sees no credentials: the API server keeps them. What is sent elsewhere than below that address is `REFUSED`.
 */
export function serviceProxy(
  connection: KubeConnection,
  { name, port, scheme = "http", namespace = connection.namespace }: ProxiedService,
): { readonly endpoint: string; readonly send: Send } {
  const endpoint = proxyAddress(connection, { kind: "service", name, port, scheme, namespace });
  // For what the API server says itself; the service's own refusals keep the caller's words.
  const hints = {
    UNAVAILABLE: `the service ${name} of namespace ${namespace} has no pod that is ready, or the cluster cannot reach it: kubectl -n ${namespace} get endpoints ${name}`,
    NOT_FOUND: `check that the service ${name} is in namespace ${namespace}`,
  };
  return {
    endpoint,
    send: async (wanted) => {
      checkInside(wanted, endpoint);
      return await connection.send({
        ...wanted,
        explain: (refused) =>
          explainStatus(refused, { what: `${wanted.service}, through the API server`, hints }) ??
          wanted.explain?.(refused),
      });
    },
  };
}

type Proxied = {
  readonly kind: "service" | "pod";
  readonly name: string;
  readonly port: string | number;
  readonly scheme?: "http" | "https";
  readonly namespace: string;
};

/** The address below which the API server hands everything on to a service or a pod. */
export function proxyAddress(
  { server }: KubeConnection,
  { kind, name, port, scheme = "http", namespace }: Proxied,
): string {
  const whom = scheme === "http" ? `${name}:${port}` : `${scheme}:${name}:${port}`;
  return `${server}/api/v1/namespaces/${encodeURIComponent(namespace)}/${kind}s/${whom}/proxy`;
}

/** A path, or an id in it, may hold `../..`, and the API server would take the rest as its own, with our credentials. */
export function checkInside({ url, service, method = "GET" }: HttpRequest, endpoint: string): void {
  const { href, pathname } = new URL(url);
  if (href.startsWith(`${endpoint}/`)) return;
  throw new ReleaseError("REFUSED", {
    rule: `a request for ${service} goes to nobody else in its cluster`,
    saw: `${method} ${pathname}`,
    allowed: `${new URL(endpoint).pathname}/…`,
    hint: "correct the path; where an id in it came from the service, look at the service's log",
  });
}
