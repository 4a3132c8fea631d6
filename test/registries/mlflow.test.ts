import { afterAll, beforeAll, describe } from "vitest";
import { type MlflowServer, startMlflow } from "../support/mlflow.ts";
import { MLFLOW_3 } from "../support/mlflow-python.ts";
import { mlflowAction } from "./mlflow-action.ts";
import { mlflowPublishing } from "./mlflow-publishing.ts";
import { mlflowSource } from "./mlflow-source.ts";

describe(`MLflow ${MLFLOW_3}`, () => {
  let server: MlflowServer;
  beforeAll(async () => {
    server = await startMlflow(MLFLOW_3);
  });
  afterAll(() => server?.stop());

  mlflowPublishing(() => server);
  mlflowSource(() => server);
  mlflowAction(() => server);
});
