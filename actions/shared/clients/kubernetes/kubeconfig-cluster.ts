import type { Place } from "../../domain/problem.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { Entry } from "./kubeconfig-entry.ts";
import type { ClusterEntry } from "./kubeconfig-schema.ts";
import { readPem } from "./pem.ts";
import type { Cluster } from "./target.ts";

/** A cluster of a kubeconfig, its authority read. */
export async function readCluster(
  name: string,
  entry: ClusterEntry,
  { source, where }: Entry<unknown>,
): Promise<Cluster> {
  const server = checkServer(entry.server, where);
  const authority = await readPem(entry["certificate-authority-data"], entry["certificate-authority"], {
    source,
    where,
    what: "certificate-authority",
  });
  const isUnchecked = entry["insecure-skip-tls-verify"];
  if (isUnchecked && authority !== undefined)
    throw new ReleaseError("CONFIG", {
      rule: "a cluster has either a certificate authority or insecure-skip-tls-verify",
      where,
      saw: "both",
      hint: "remove insecure-skip-tls-verify",
    });
  const serverName = entry["tls-server-name"];
  const proxyUrl = entry["proxy-url"];
  return {
    name,
    server,
    isUnchecked,
    ...(authority === undefined ? {} : { authority }),
    ...(serverName ? { serverName } : {}),
    ...(proxyUrl ? { proxyUrl } : {}),
  };
}

function checkServer(server: string, where: Place): string {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url !== undefined && ["http:", "https:"].includes(url.protocol)) return server.replace(/\/+$/, "");
  throw new ReleaseError("CONFIG", {
    rule: "server must be the address of the cluster's API",
    where,
    saw: JSON.stringify(server.slice(0, 100)),
    allowed: "https://host:port",
    hint: "copy it from kubectl cluster-info",
  });
}
