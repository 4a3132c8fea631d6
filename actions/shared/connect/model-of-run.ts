import { schemeOf } from "../domain/model-place.ts";
import { isReleaseError, ReleaseError } from "../lib/error.ts";
import { request, requestStream } from "../lib/http.ts";
import type { FoundModel, SourceFile } from "../ports/source-file.ts";
import type { Step } from "../ports/step.ts";
import { type KubeflowAccess, kubeflowCredentials } from "./kubeflow-credentials.ts";
import type { MlflowInputs } from "./mlflow-server.ts";
import type { BucketInputs } from "./model-bucket.ts";
import { findSourceModel } from "./model-source.ts";

type RunInputs = BucketInputs &
  MlflowInputs &
  Pick<KubeflowAccess, "token"> & { readonly model: string | undefined; readonly endpoint: string | undefined };

type RunStep = Step<RunInputs>;

/**
 * As `findSourceModel`. The last resort for the model of a run on Kubeflow whose bucket is out of reach is the download of Kubeflow's page,
 * where its address is given.
 */
export async function findModelOfRun(step: RunStep, place: string): Promise<FoundModel> {
  try {
    return await findSourceModel(step, place);
  } catch (error) {
    const { endpoint } = step.inputs;
    if (endpoint === undefined || !isOfKubeflow(step) || !isOutOfReach(error, step.inputs)) throw error;
    const scheme = schemeOf(place);
    if (scheme !== "s3" && scheme !== "minio") throw error;
    const [problem] = error.problems;
    const why = [problem?.rule, problem?.saw].filter((text) => text !== undefined).join(": ");
    step.log.warn(
      `The bucket of the model is out of reach (${why}): took the last resort, its download from ${endpoint}.`,
    );
    return { files: [await download(step, { endpoint, place, scheme })] };
  }
}

function isOfKubeflow({ inputs, release }: RunStep): boolean {
  return inputs.model === undefined && release.pipeline?.engine === "kubeflow";
}

/** A server that nobody named for this model is a guess: what it says of the model is no more than that it is the wrong one. */
export function isOutOfReach(error: unknown, inputs: Pick<BucketInputs, "model-endpoint">): error is ReleaseError {
  if (isReleaseError(error, "UNAVAILABLE", "AUTH")) return true;
  if (inputs["model-endpoint"] !== undefined || !isReleaseError(error, "INPUT", "CONFIG", "NOT_FOUND")) return false;
  if (error.code !== "INPUT") return true;
  return error.problems.every(({ where }) => where?.input === "model-endpoint");
}

type Wanted = { readonly endpoint: string; readonly place: string; readonly scheme: "s3" | "minio" };

async function download(step: RunStep, { endpoint, place, scheme }: Wanted): Promise<SourceFile> {
  const [{ authorized }, { authorizedStream }, { kfpBase }, { downloadModel }, { parseModelAddress }] =
    await Promise.all([
      import("../clients/access/authorized.ts"),
      import("../clients/access/authorized-stream.ts"),
      import("../clients/kfp/server.ts"),
      import("../clients/kfp/model-download.ts"),
      import("../clients/s3/model-address.ts"),
    ]);
  const { clock, signal, inputs } = step;
  const credentials = await kubeflowCredentials(step, endpoint);
  const send = authorized((wanted) => request({ signal, ...wanted }), credentials);
  const address = parseModelAddress(place);
  if (address.state === "bad") throw new ReleaseError("INPUT", address.problems);
  const { bucket, key } = address.value;
  return await downloadModel(
    {
      base: await kfpBase({ endpoint, send, clock })(),
      stream: authorizedStream(requestStream, credentials),
      clock,
      signal,
      ...(inputs.namespace === undefined ? {} : { namespace: inputs.namespace }),
    },
    { scheme, bucket, key },
  );
}
