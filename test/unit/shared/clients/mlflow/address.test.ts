import { describe, expect, test } from "vitest";
import { readTrackingUri } from "../../../../../actions/shared/clients/mlflow/address.ts";

describe("the address of a tracking server", () => {
  test.each([
    ["https://mlflow.acme.dev", "https://mlflow.acme.dev"],
    ["https://mlflow.acme.dev/", "https://mlflow.acme.dev"],
    ["https://acme.dev/mlflow/#/experiments/3?x=y", "https://acme.dev/mlflow"],
    ["http://mlflow:5000/api/2.0/mlflow/runs/get?run_id=1", "http://mlflow:5000"],
    ["http://mlflow:5000/ajax-api/3.0/mlflow", "http://mlflow:5000"],
  ])("%s is read as people copy it", (written, base) => {
    expect(readTrackingUri(written, "mlflow")).toEqual({ base });
  });

  test("may hold who asks", () => {
    expect(readTrackingUri("https://ann:p%40ss@mlflow.acme.dev/x", "mlflow")).toEqual({
      base: "https://mlflow.acme.dev/x",
      login: { username: "ann", password: "p@ss" },
    });
  });

  test.each(["sqlite:///mlflow.db", "databricks", "./mlruns", "file:///mlruns"])("%s is no server", (written) => {
    expect(() => readTrackingUri(written, "mlflow")).toThrow(
      /^\[INPUT\] input mlflow: must be the address of an MLflow/,
    );
  });

  test("is never shown with its password", () => {
    expect(() => readTrackingUri("ftp://ann:s3cret@mlflow.acme.dev", "mlflow")).not.toThrow(/s3cret/);
  });
});
