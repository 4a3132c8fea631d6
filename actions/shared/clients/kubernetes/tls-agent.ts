import type { Agent } from "node:http";
import type { RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import type { Certificate, Cluster } from "./target.ts";

/** What opens connections to the cluster: its authority, the user's certificate, the server's other name, the proxy on the way. */
export async function agentFor(cluster: Cluster, certificate?: Certificate): Promise<Agent> {
  const { server, authority, serverName, proxyUrl, isUnchecked } = cluster;
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser(
    {
      name: "cluster",
      server,
      // The library speaks http only where nothing is to be checked.
      skipTLSVerify: isUnchecked || server.startsWith("http:"),
      ...(authority === undefined ? {} : { caData: toBase64(authority) }),
      ...(serverName === undefined ? {} : { tlsServerName: serverName }),
      ...(proxyUrl === undefined ? {} : { proxyUrl }),
    },
    {
      name: "user",
      ...(certificate === undefined
        ? {}
        : { certData: toBase64(certificate.certificate), keyData: toBase64(certificate.key) }),
    },
  );
  const options: RequestOptions = {};
  await kubeConfig.applyToHTTPSOptions(options);
  return options.agent as Agent;
}

function toBase64(text: string): string {
  return Buffer.from(text).toString("base64");
}
