import type { Agent } from "node:http";
import type { RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import type { Certificate, Cluster } from "./target.ts";

/** What opens connections to the cluster: its authority, the user's certificate, the server's other name, the proxy on the way. */
export async function agentFor(cluster: Cluster, certificate?: Certificate): Promise<Agent> {
  const options: RequestOptions = {};
  await kubeConfigOf(cluster, {
    ...(certificate === undefined
      ? {}
      : { certData: toBase64(certificate.certificate), keyData: toBase64(certificate.key) }),
  }).applyToHTTPSOptions(options);
  return options.agent as Agent;
}

/** The session of a user who logged in by OpenID Connect (the auth-provider `oidc`): refreshed when its token has expired. */
export function oidcSession(
  cluster: Cluster,
  config: Readonly<Record<string, string>>,
): () => Promise<string | undefined> {
  const kubeConfig = kubeConfigOf(cluster, { authProvider: { name: "oidc", config: { ...config } } });
  return async () => {
    const options: RequestOptions = {};
    await kubeConfig.applyToHTTPSOptions(options);
    const { Authorization: header } = options.headers as Readonly<Record<string, string | undefined>>;
    return header?.replace(/^Bearer /, "");
  };
}

type LibraryUser = Omit<KubeConfig["users"][number], "name">;

function kubeConfigOf(cluster: Cluster, user: LibraryUser): KubeConfig {
  const { server, authority, serverName, proxyUrl, isUnchecked } = cluster;
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromOptions({
    clusters: [
      {
        name: "cluster",
        server,
        // The library speaks http only where nothing is to be checked.
        skipTLSVerify: isUnchecked || server.startsWith("http:"),
        ...(authority === undefined ? {} : { caData: toBase64(authority) }),
        ...(serverName === undefined ? {} : { tlsServerName: serverName }),
        ...(proxyUrl === undefined ? {} : { proxyUrl }),
      },
    ],
    users: [{ ...user, name: "user" }],
    contexts: [{ name: "context", cluster: "cluster", user: "user" }],
    currentContext: "context",
  });
  return kubeConfig;
}

function toBase64(text: string): string {
  return Buffer.from(text).toString("base64");
}
