import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { kubeApi, need } from "./api.ts";
import { certificatesIn, clientCertificate } from "./certificates.ts";
import type { Cluster } from "./cluster.ts";
import { type Part, until } from "./part.ts";
import { kubeconfig, type Login } from "./users.ts";

/** What a process of this machine must know to use a cluster that another one started. */
export type ClusterAddress = Pick<Cluster, "server" | "ca" | "tokens"> & {
  readonly folder: string;
  /** Nothing happens to what is applied. */
  readonly isBare: boolean;
};

/** The cluster there. `parts`: its processes, where it is this process that started them. */
export function clusterAt(
  { server, ca, tokens, folder, isBare }: ClusterAddress,
  parts: () => readonly Part[] = () => [],
): Cluster {
  const api = kubeApi({ server, ca, token: tokens.admin });
  const own = mkdtempSync(join(folder, `${process.pid}-`));
  let made = 0;
  // Nobody else's, in a cluster that several processes use at once.
  const nextName = (kind: string) => `${kind}-${process.pid}-${++made}`;
  const logins: Readonly<Record<"admin" | "limited", Login>> = {
    admin: { token: tokens.admin },
    limited: { token: tokens.limited },
  };
  const create = async (path: string, object: unknown) =>
    need(path, await api.send(path, { method: "POST", body: object }), [200, 201]);
  return {
    server,
    ca,
    api,
    tokens,
    as: (token) => kubeApi({ server, ca, token }),
    apply: api.apply,
    namespace: async () => {
      const name = nextName("test");
      await create("/api/v1/namespaces", { metadata: { name } });
      if (isBare) return name;
      const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
      await until(`the account of ${name}`, async () => (await api.send(account)).status === 200, { parts: parts() });
      return name;
    },
    kubeconfig: (login, namespace) => {
      const path = join(own, nextName("kubeconfig"));
      const known = typeof login === "string" ? logins[login] : login;
      writeFileSync(path, kubeconfig({ server, ca, login: known, namespace }), { mode: 0o600 });
      return path;
    },
    accountToken: async (namespace, account) => {
      await api.apply(
        JSON.stringify({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: account, namespace } }),
      );
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
      const { status } = await create(path, { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} });
      return status.token;
    },
    clientCertificate: (user, groups = []) =>
      clientCertificate(certificatesIn(join(folder, "certificates")), { folder: own, user, groups }),
  };
}
