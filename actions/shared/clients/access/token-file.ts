import { ReleaseError } from "../../lib/error.ts";
import { passing } from "../../lib/kept-token.ts";
import { readTextFile } from "../../lib/read-text.ts";
import { bearerHeaders, readToken } from "./bearer.ts";
import type { Credentials } from "./credentials.ts";

export type TokenFile = {
  readonly path: string;
  readonly mask: (secret: string) => void;
};

/** A file that somebody else keeps fresh: read for each request, because it rotates. */
export function tokenFile(file: TokenFile): Credentials {
  return fileCredentials(file, {
    name: `the token in ${file.path}`,
    missing: "give the path of a file that holds a token",
    hint: "check that whatever writes this file still does, and that its tokens are for this service's audience",
  });
}

/** Where Kubernetes puts the token that Kubeflow Pipelines asks for, unless `KF_PIPELINES_SA_TOKEN_PATH` says otherwise. */
const SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubeflow/pipelines/token";

/** Where a pod has the token that Kubeflow Pipelines asks for. */
export function serviceAccountTokenPath(env: Readonly<Record<string, string | undefined>>): string {
  return env.KF_PIPELINES_SA_TOKEN_PATH || SERVICE_ACCOUNT_TOKEN;
}

/** The token of the pod's service account: for runners inside of the cluster. */
export function serviceAccountToken(
  env: Readonly<Record<string, string | undefined>>,
  mask: (secret: string) => void,
): Credentials {
  const path = serviceAccountTokenPath(env);
  return fileCredentials(
    { path, mask },
    {
      name: `the service account's token in ${path}`,
      missing:
        "mount a projected service account token with the audience pipelines.kubeflow.org into the runner's pod there, or name its place in KF_PIPELINES_SA_TOKEN_PATH",
      hint: "check that the token's audience is pipelines.kubeflow.org, and that the runner's service account may use the namespace (role kubeflow-edit)",
    },
  );
}

type Words = { readonly name: string; readonly missing: string; readonly hint: string };

function fileCredentials({ path, mask }: TokenFile, { name, missing, hint }: Words): Credentials {
  let hasWorked = false;
  return {
    name,
    hint,
    headers: async () => {
      try {
        const token = await readTokenFile(path, missing);
        mask(token);
        hasWorked = true;
        return bearerHeaders(token);
      } catch (error) {
        throw hasWorked ? passing(error) : error;
      }
    },
    // It is read for each request anyway.
    renew: () => {},
  };
}

async function readTokenFile(path: string, hint: string): Promise<string> {
  const text = await readTextFile(path, 65_536);
  if (text !== undefined) return readToken(text, path);
  throw new ReleaseError("NOT_FOUND", { rule: "the file of the token is not there", where: { file: path }, hint });
}
