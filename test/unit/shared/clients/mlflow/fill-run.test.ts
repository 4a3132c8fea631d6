import { expect, test } from "vitest";
import { connectMlflow } from "../../../../../actions/shared/clients/mlflow/connection.ts";
import { fillRun } from "../../../../../actions/shared/clients/mlflow/fill-run.ts";
import { request } from "../../../../../actions/shared/lib/http.ts";
import { virtualClock } from "../../../../support/virtual-clock.ts";

const contents = {
  name: "digits 1.1.0",
  identity: [],
  startMs: 0,
  endMs: 1,
  params: [{ key: "learning_rate", value: "0.1" }],
  metrics: [],
  tags: [],
  datasets: [],
};

const OVERTAKEN =
  "(sqlite3.IntegrityError) UNIQUE constraint failed: params.key, params.run_uuid [SQL: INSERT INTO params …]";

/** A run that is empty; the first `refusals` batches are refused with these words. */
function serverThatRefuses(refusals: number, message: string) {
  const batches: string[] = [];
  const clock = virtualClock(0);
  const answer = (path: string): { readonly status: number; readonly json: object } => {
    if (path.endsWith("/runs/get"))
      return { status: 200, json: { run: { info: { run_id: "r1", artifact_uri: "mlflow-artifacts:/1" }, data: {} } } };
    if (!path.endsWith("/log-batch")) return { status: 200, json: {} };
    batches.push(path);
    return batches.length > refusals
      ? { status: 200, json: {} }
      : { status: 400, json: { error_code: "BAD_REQUEST", message } };
  };
  const server = connectMlflow({
    base: "https://mlflow.test",
    clock,
    send: (wanted) =>
      request({
        ...wanted,
        clock,
        transport: async (url) => {
          const { status, json } = answer(new URL(url).pathname);
          return {
            status,
            headers: new Headers({ "content-type": "application/json" }),
            body: (async function* () {
              yield Buffer.from(JSON.stringify(json));
            })(),
          };
        },
      }),
  });
  return { server, batches };
}

test("a row that another job wrote in the same moment is no error: the batch is written again", async () => {
  const { server, batches } = serverThatRefuses(2, OVERTAKEN);
  await fillRun(server, { runId: "r1", logged: undefined }, contents);
  expect(batches).toHaveLength(3);
});

test("any other refusal is told at once; one that does not end is told too", async () => {
  const other = serverThatRefuses(1, "the value is too long");
  await expect(fillRun(other.server, { runId: "r1", logged: undefined }, contents)).rejects.toThrow(/too long/);
  expect(other.batches).toHaveLength(1);
  const endless = serverThatRefuses(1_000, OVERTAKEN);
  await expect(fillRun(endless.server, { runId: "r1", logged: undefined }, contents)).rejects.toThrow(/UNIQUE/);
});
