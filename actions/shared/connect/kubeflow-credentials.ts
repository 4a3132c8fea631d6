import { readTextFile } from "../lib/read-text.ts";
import type { Step } from "../ports/step.ts";

/** How an action may log in to Kubeflow; one that has fewer inputs leaves the others out. */
export type KubeflowAccess = {
  readonly token: string | undefined;
  readonly "token-file"?: string | undefined;
  readonly "token-command"?: string | readonly string[] | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly "iap-audience"?: string | undefined;
};

type AccessStep = Pick<Step<KubeflowAccess>, "inputs" | "job" | "clock" | "mask">;

/** By the inputs, in their order; else the service account's token where this is a pod, else none. */
export async function kubeflowCredentials(step: AccessStep, endpoint: string) {
  const { inputs, clock, mask, job } = step;
  const token = inputs.token;
  if (token !== undefined) return (await import("../clients/access/token.ts")).fixedToken(token, mask);
  const files = await import("../clients/access/token-file.ts");
  const path = inputs["token-file"];
  if (path !== undefined) return files.tokenFile({ path, mask });
  const command = inputs["token-command"];
  if (command !== undefined) return commandCredentials(step, command);
  const { username, password } = inputs;
  if (username !== undefined && password !== undefined) {
    const { dexLogin } = await import("../clients/access/dex-login.ts");
    return dexLogin({ endpoint, username, password, mask, clock });
  }
  const audience = inputs["iap-audience"];
  if (audience !== undefined) {
    const env = job.envOf(["GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST"]);
    return (await import("../clients/access/iap.ts")).iap({ audience, env, mask, clock });
  }
  const env = job.envOf(["KF_PIPELINES_SA_TOKEN_PATH"]);
  const isPod =
    Object.keys(env).length > 0 || (await readTextFile(files.serviceAccountTokenPath(env), 64 * 1024)) !== undefined;
  if (isPod) return files.serviceAccountToken(env, mask);
  return (await import("../clients/access/credentials.ts")).anonymous;
}

async function commandCredentials({ job, mask, clock }: AccessStep, written: string | readonly string[]) {
  const [{ tokenCommand }, { credentialVariables }] = await Promise.all([
    import("../clients/access/token-command.ts"),
    import("../clients/access/credential-variables.ts"),
  ]);
  const [program = "", ...args] = typeof written === "string" ? written.trim().split(/ +/) : written;
  const env = { ...job.childEnv, ...job.envOf(credentialVariables) };
  return tokenCommand({ argv: [program, ...args], cwd: job.workspace, env, mask, clock });
}
