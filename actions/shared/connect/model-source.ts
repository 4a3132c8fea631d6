import { schemeOf } from "../domain/model-place.ts";
import { ReleaseError } from "../lib/error.ts";
import { findModel } from "../lib/model-files.ts";
import type { FoundModel } from "../ports/source-file.ts";
import { connectMlflowServer, type MlflowStep } from "./mlflow-server.ts";
import { type BucketStep, findInBucket } from "./model-bucket.ts";

type SourceStep = BucketStep & MlflowStep;

/** The model at a place: an absolute path of this machine, or an address. Only what is needed is loaded. */
export async function findSourceModel(step: SourceStep, place: string): Promise<FoundModel> {
  const { job } = step;
  switch (schemeOf(place)) {
    case undefined:
    case "file":
      return { files: await findModel(place, [job.workspace, job.temp, job.home]) };
    case "mlflow":
      return await findInMlflow(step, place);
    default:
      return { files: await findInBucket(step, place) };
  }
}

async function findInMlflow(step: SourceStep, place: string): Promise<FoundModel> {
  const { mlflowModel } = await import("../clients/mlflow/source.ts");
  const { MLFLOW_TRACKING_URI: tracking, MLFLOW_S3_ENDPOINT_URL: endpoint } = step.job.envOf(VARIABLES);
  const named = step.inputs.mlflow;
  const written = named ?? tracking;
  if (written === undefined)
    throw new ReleaseError("INPUT", {
      rule: "a model of MLflow needs the address of its server",
      where: { input: "mlflow" },
      saw: "nothing",
      hint: "set `mlflow`, or MLFLOW_TRACKING_URI in the job's env",
    });
  const server = await connectMlflowServer(step, {
    written,
    input: named === undefined ? "MLFLOW_TRACKING_URI" : "mlflow",
  });
  const { files, facts: tracked } = await mlflowModel(server, place);
  if (files.at === "here") return { files: files.list, tracked };
  const settings =
    endpoint && step.inputs["model-endpoint"] === undefined ? `?endpoint=${encodeURIComponent(endpoint)}` : "";
  return { files: await findInBucket(step, `${files.uri}${settings}`), tracked };
}

/** As MLflow's own client knows them: the server, and that of the bucket where its artifacts lie. */
const VARIABLES = ["MLFLOW_TRACKING_URI", "MLFLOW_S3_ENDPOINT_URL"] as const;
