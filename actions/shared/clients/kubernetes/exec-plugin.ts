import * as v from "valibot";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { exec } from "../../lib/exec.ts";
import type { Token } from "../../lib/kept-token.ts";
import type { Certificate, Cluster, ExecPlugin } from "./target.ts";

export type PluginOptions = {
  readonly cwd: string;
  /** What the plugin may see of the job, its cloud's credentials too. */
  readonly env: Readonly<Record<string, string>>;
  readonly mask: (secret: string) => void;
  readonly signal?: AbortSignal;
  /** Default 60 s. */
  readonly timeoutMs?: number;
};

export type PluginAnswer = { readonly token?: string; readonly certificate?: Certificate };

const AnswerSchema = v.looseObject({
  apiVersion: v.string(),
  kind: v.literal("ExecCredential"),
  status: v.looseObject({
    expirationTimestamp: v.nullish(v.pipe(v.string(), v.isoTimestamp())),
    token: v.nullish(v.string()),
    clientCertificateData: v.nullish(v.string()),
    clientKeyData: v.nullish(v.string()),
  }),
});

/** Runs a kubeconfig's exec plugin once (client.authentication.k8s.io). Nothing that it prints is in an error, but what it says on its error output. */
export async function runPlugin(
  plugin: ExecPlugin,
  cluster: Cluster,
  options: PluginOptions,
): Promise<Token<PluginAnswer>> {
  const stdout = await outputOf(plugin, cluster, options);
  const { status, apiVersion } = parseAnswer(plugin, stdout, options.mask);
  if (apiVersion !== plugin.apiVersion) throw wrongAnswer(plugin, `apiVersion ${apiVersion.slice(0, 60)}`);
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = status;
  if (token) options.mask(token);
  if (clientKeyData) options.mask(clientKeyData);
  if (!token && !(clientCertificateData && clientKeyData))
    throw wrongAnswer(plugin, "neither a token nor a client certificate with its key");
  const certificate =
    clientCertificateData && clientKeyData ? { certificate: clientCertificateData, key: clientKeyData } : undefined;
  return {
    value: { ...(token ? { token } : {}), ...(certificate === undefined ? {} : { certificate }) },
    ...(expirationTimestamp ? { expiresAtMs: Date.parse(expirationTimestamp) } : {}),
  };
}

async function outputOf(
  plugin: ExecPlugin,
  cluster: Cluster,
  { cwd, env, signal, timeoutMs }: PluginOptions,
): Promise<string> {
  try {
    const { stdout } = await exec(plugin.command, plugin.args, {
      cwd,
      env: { ...env, ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(infoFor(plugin, cluster)) },
      timeoutMs: timeoutMs ?? 60_000,
      stdout: "secret",
      ...(signal === undefined ? {} : { signal }),
    });
    return stdout;
  } catch (error) {
    if (!isReleaseError(error, "COMMAND")) throw error;
    const isMissing = error.problems.some(({ rule }) => rule.endsWith("could not be started"));
    throw isMissing
      ? missing(plugin, error)
      : new ReleaseError(
          "COMMAND",
          error.problems.map((problem) => ({ ...problem, rule: `the kubeconfig's exec plugin: ${problem.rule}` })),
          error,
        );
  }
}

function infoFor({ apiVersion, wantsCluster }: ExecPlugin, cluster: Cluster) {
  const { server, authority, serverName, proxyUrl, isUnchecked } = cluster;
  const described = {
    server,
    ...(authority === undefined ? {} : { "certificate-authority-data": Buffer.from(authority).toString("base64") }),
    ...(serverName === undefined ? {} : { "tls-server-name": serverName }),
    ...(proxyUrl === undefined ? {} : { "proxy-url": proxyUrl }),
    ...(isUnchecked ? { "insecure-skip-tls-verify": true } : {}),
  };
  return {
    apiVersion,
    kind: "ExecCredential",
    spec: { ...(wantsCluster ? { cluster: described } : {}), interactive: false },
  };
}

function parseAnswer(plugin: ExecPlugin, stdout: string, mask: (secret: string) => void) {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), AnswerSchema), stdout);
  if (parsed.success) return parsed.output;
  // Whatever it is, it was meant to be a secret.
  mask(stdout);
  throw wrongAnswer(plugin, "something else");
}

function wrongAnswer({ command }: Pick<ExecPlugin, "command">, saw: string): ReleaseError {
  return new ReleaseError("PROTOCOL", {
    rule: `the kubeconfig's exec plugin ${command} must print an ExecCredential as JSON`,
    saw,
    hint: "run it by hand, with the arguments that the kubeconfig gives it and its request in KUBERNETES_EXEC_INFO",
  });
}

/** What puts these programs on a machine. */
const INSTALL: Readonly<Record<string, string>> = {
  "gke-gcloud-auth-plugin":
    "install gke-gcloud-auth-plugin (gcloud components install gke-gcloud-auth-plugin), or let google-github-actions/get-gke-credentials write a kubeconfig that needs no plugin",
  aws: "install the AWS CLI, version 2",
  "aws-iam-authenticator":
    "install aws-iam-authenticator, or run aws eks update-kubeconfig for a kubeconfig that uses the AWS CLI",
  kubelogin: "install kubelogin (azure/use-kubelogin, or az aks install-cli)",
  doctl: "install doctl (digitalocean/action-doctl)",
  oci: "install the OCI CLI",
  kubectl: "install kubectl",
};

function missing({ command, installHint }: ExecPlugin, cause: unknown): ReleaseError {
  const name = command.slice(command.lastIndexOf("/") + 1);
  return new ReleaseError(
    "COMMAND",
    {
      rule: `the kubeconfig's exec plugin ${command} could not be started`,
      saw: "no such program on this machine",
      hint: INSTALL[name] ?? installHint ?? `install ${name} on the runner, in a step before this one`,
    },
    cause,
  );
}
