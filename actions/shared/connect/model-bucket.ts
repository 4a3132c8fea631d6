import { type Checked, ok } from "../domain/problem.ts";
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
};

export type BucketStep = Pick<Step<BucketInputs>, "inputs" | "job" | "clock" | "signal" | "mask">;

/** The files of a model in a bucket, with the credentials that were given for it, else the job's. */
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
  const server = given(
    serverOfModel(address, {
      input: endpoint === undefined ? undefined : given(parseEndpoint(endpoint)),
      store: store !== undefined && isS3Store(store) ? serverOf(parseS3Address(store)) : undefined,
      environment: env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL,
    }),
  );
  const keys = given(keysOf(inputs));
  for (const secret of [env.AWS_SECRET_ACCESS_KEY, env.AWS_SESSION_TOKEN]) if (secret) mask(secret);
  return await findObjects({ model: { ...address, server }, env: { ...env, ...keys }, clock, signal });
}

/** As variables of the environment: what is given replaces whatever else the job could log in with. */
function keysOf(inputs: BucketInputs): Checked<Readonly<Record<string, string | undefined>>> {
  const { "model-access-key": key, "model-secret-key": secret } = inputs;
  if (key === undefined && secret === undefined) return ok({});
  if (key !== undefined && secret !== undefined)
    return ok({
      AWS_ACCESS_KEY_ID: key,
      AWS_SECRET_ACCESS_KEY: secret,
      AWS_SESSION_TOKEN: undefined,
      AWS_PROFILE: undefined,
    });
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
