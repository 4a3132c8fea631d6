import { type Checked, ok } from "../domain/problem.ts";
import type { Artifact } from "../domain/run/launcher-config.ts";
import { ReleaseError } from "../lib/error.ts";
import { isS3Store } from "../lib/store-folder.ts";
import type { SourceFile } from "../ports/source-file.ts";
import type { Step } from "../ports/step.ts";
import { S3_VARIABLES } from "./model-store.ts";

export type BucketInputs = {
  readonly store: string | undefined;
  readonly "model-endpoint": string | undefined;
  readonly "model-access-key": string | undefined;
  readonly "model-secret-key": string | undefined;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly namespace: string | undefined;
  readonly "working-directory": string;
};

export type BucketStep = Pick<Step<BucketInputs>, "inputs" | "job" | "clock" | "log" | "signal" | "mask">;

/** The files of a model in a bucket, with the credentials that were given for it, else its engine's, else the job's. */
export async function findInBucket(step: BucketStep, place: string): Promise<readonly SourceFile[]> {
  const [{ parseS3Address }, { parseEndpoint, parseModelAddress, serverOf }, { serverOfModel }, { findObjects }] =
    await Promise.all([
      import("../clients/s3/address.ts"),
      import("../clients/s3/model-address.ts"),
      import("../clients/s3/model-server.ts"),
      import("../clients/s3/source-files.ts"),
    ]);
  const { inputs, job, clock, signal, mask } = step;
  const { store, "model-endpoint": endpoint } = inputs;
  const address = given(parseModelAddress(place));
  const env = job.envOf(S3_VARIABLES);
  const keys = given(keysOf(inputs));
  const engine = await engineBucket(step, address, keys);
  const server = given(
    serverOfModel(address, {
      input: endpoint === undefined ? undefined : given(parseEndpoint(endpoint)),
      engine: engine?.server,
      store: store !== undefined && isS3Store(store) ? serverOf(parseS3Address(store)) : undefined,
      environment: env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL,
    }),
  );
  for (const secret of [env.AWS_SECRET_ACCESS_KEY, env.AWS_SESSION_TOKEN]) if (secret) mask(secret);
  return await findObjects({
    model: { ...address, server },
    env: { ...env, ...variables(keys ?? engine?.keys) },
    clock,
    signal,
  });
}

type Keys = { readonly accessKeyId: string; readonly secretAccessKey: string };

/** What is given replaces whatever else the job could log in with. */
function variables(keys: Keys | undefined): Readonly<Record<string, string | undefined>> {
  if (keys === undefined) return {};
  return {
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    AWS_SESSION_TOKEN: undefined,
    AWS_PROFILE: undefined,
  };
}

/** What the engine's launcher is configured with, where there is a kubeconfig and not everything was said already. */
async function engineBucket(step: BucketStep, artifact: Artifact, keys: Keys | undefined) {
  const { inputs, job, mask, clock, log, signal } = step;
  const { kubeconfig, context, namespace = "kubeflow" } = inputs;
  const isAsked = kubeconfig !== undefined || context !== undefined;
  if (!isAsked || (inputs["model-endpoint"] !== undefined && keys !== undefined)) return undefined;
  const [{ connectCluster }, { credentialVariables }, { readLauncherBucket }] = await Promise.all([
    import("../clients/kubernetes/connection.ts"),
    import("../clients/access/credential-variables.ts"),
    import("../clients/kubernetes/launcher-bucket.ts"),
  ]);
  const connection = await connectCluster({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    cwd: `${job.workspace}/${inputs["working-directory"]}`,
    env: { ...job.childEnv, ...job.envOf([...credentialVariables, "KUBECONFIG"]) },
    mask,
    clock,
    log,
    signal,
  });
  const { keys: engineKeys, ...server } = await readLauncherBucket(connection, { namespace, artifact, mask });
  return { server, keys: engineKeys };
}

function keysOf(inputs: BucketInputs): Checked<Keys | undefined> {
  const { "model-access-key": key, "model-secret-key": secret } = inputs;
  if (key === undefined && secret === undefined) return ok(undefined);
  if (key !== undefined && secret !== undefined) return ok({ accessKeyId: key, secretAccessKey: secret });
  return {
    state: "bad",
    problems: [
      {
        rule: "an access key and its secret go together",
        where: { input: key === undefined ? "model-access-key" : "model-secret-key" },
        saw: "nothing",
        hint: "set both, or none: a secret that is not set in the repository is empty",
      },
    ],
  };
}

function given<T>(checked: Checked<T>): T {
  if (checked.state === "ok") return checked.value;
  throw new ReleaseError("INPUT", checked.problems);
}
