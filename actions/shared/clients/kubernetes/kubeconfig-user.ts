import { resolve } from "node:path";
import type { Place } from "../../domain/problem.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { Entry } from "./kubeconfig-entry.ts";
import type { UserEntry } from "./kubeconfig-schema.ts";
import { readPem } from "./pem.ts";
import type { Certificate, ExecPlugin, Proof, User } from "./target.ts";

type UserSource = Entry<unknown> & { readonly mask: (secret: string) => void };

/** A user of a kubeconfig, certificate and key read. Everything secret is masked. */
export async function readUser(name: string, entry: UserEntry, from: UserSource): Promise<User> {
  const { source, where, mask } = from;
  for (const secret of [entry.token, entry.password, entry["client-key-data"], ...secretsOf(entry)])
    if (secret) mask(secret);
  const certificate = await readPem(entry["client-certificate-data"], entry["client-certificate"], {
    source,
    where,
    what: "client-certificate",
  });
  const key = await readPem(entry["client-key-data"], entry["client-key"], { source, where, what: "client-key" });
  if (key !== undefined) mask(key);
  return {
    name,
    impersonation: impersonationOf(entry),
    proof: proofOf(name, entry, from),
    ...certificateOf(certificate, key, where),
  };
}

function secretsOf(entry: UserEntry): readonly (string | undefined)[] {
  const config = entry["auth-provider"]?.config ?? {};
  return [config["id-token"], config["refresh-token"], config["client-secret"], config["access-token"]];
}

function certificateOf(
  certificate: string | undefined,
  key: string | undefined,
  where: Place,
): { certificate?: Certificate } {
  if (certificate === undefined && key === undefined) return {};
  if (certificate !== undefined && key !== undefined) return { certificate: { certificate, key } };
  throw new ReleaseError("CONFIG", {
    rule: "a user's client certificate and its key belong together",
    where,
    saw: certificate === undefined ? "a key without a certificate" : "a certificate without a key",
    hint: "give client-certificate and client-key, or the -data of both",
  });
}

/** As kubectl ranks them. */
function proofOf(name: string, entry: UserEntry, { source, where }: UserSource): Proof {
  if (entry.tokenFile) return { kind: "token-file", path: resolve(source.folder, entry.tokenFile) };
  if (entry.token) return { kind: "token", token: entry.token };
  if (entry.exec) return { kind: "exec", plugin: pluginOf(entry.exec, source.folder, where) };
  const provider = entry["auth-provider"];
  if (provider?.name === "oidc") return { kind: "oidc", config: provider.config };
  if (provider) throw goneProvider(name, provider.name, where);
  if (entry.username) return { kind: "password", username: entry.username, password: entry.password ?? "" };
  return { kind: "none" };
}

function goneProvider(user: string, provider: string, where: Place): ReleaseError {
  const plugins: Readonly<Record<string, string>> = {
    gcp: "install gke-gcloud-auth-plugin and run gcloud container clusters get-credentials again",
    azure: "install kubelogin and run kubelogin convert-kubeconfig",
  };
  return new ReleaseError("CONFIG", {
    rule: `the auth-provider ${JSON.stringify(provider)} of user ${JSON.stringify(user)} is no longer part of Kubernetes (since 1.26)`,
    where,
    hint: plugins[provider] ?? "use an exec plugin or a token",
  });
}

const EXEC_API = "client.authentication.k8s.io/";

function pluginOf(exec: NonNullable<UserEntry["exec"]>, folder: string, where: Place): ExecPlugin {
  if (![`${EXEC_API}v1`, `${EXEC_API}v1beta1`].includes(exec.apiVersion))
    throw new ReleaseError("CONFIG", {
      rule: "the exec plugin of the kubeconfig speaks a version that Kubernetes gave up",
      where,
      saw: exec.apiVersion,
      allowed: `${EXEC_API}v1, ${EXEC_API}v1beta1`,
      hint: "make the kubeconfig again with the newest version of your cloud's command line",
    });
  if (exec.interactiveMode === "Always")
    throw new ReleaseError("CONFIG", {
      rule: "the exec plugin of the kubeconfig wants to ask a person (interactiveMode: Always)",
      where,
      saw: exec.command,
      hint: "use a login that needs nobody: a service account's token, or the cloud's workload identity",
    });
  return {
    apiVersion: exec.apiVersion,
    // A bare name is looked for on the PATH; a path begins at the kubeconfig.
    command: exec.command.includes("/") ? resolve(folder, exec.command) : exec.command,
    args: exec.args,
    env: Object.fromEntries(exec.env.map(({ name, value }) => [name, value])),
    wantsCluster: exec.provideClusterInfo,
    ...(exec.installHint ? { installHint: exec.installHint.trim() } : {}),
  };
}

function impersonationOf(entry: UserEntry): Readonly<Record<string, string | readonly string[]>> {
  return {
    ...(entry.as ? { "impersonate-user": entry.as } : {}),
    ...(entry["as-uid"] ? { "impersonate-uid": entry["as-uid"] } : {}),
    ...(entry["as-groups"].length > 0 ? { "impersonate-group": entry["as-groups"] } : {}),
  };
}
