import { afterAll, beforeAll, describe } from "vitest";
import { mlflowAction } from "../registries/mlflow-action.ts";
import { mlflowPublishing } from "../registries/mlflow-publishing.ts";
import { mlflowSource } from "../registries/mlflow-source.ts";
import { type MlflowServer, startMlflow } from "../support/mlflow.ts";
import { MLFLOW_2 } from "../support/mlflow-python.ts";

describe(`MLflow ${MLFLOW_2}`, () => {
  let server: MlflowServer;
  beforeAll(async () => {
    server = await startMlflow(MLFLOW_2);
  });
  afterAll(() => server?.stop());

  mlflowPublishing(() => server);
  mlflowSource(() => server);
  mlflowAction(() => server);
});
