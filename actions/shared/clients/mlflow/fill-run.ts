import * as v from "valibot";
import { type Mlflow, type MlflowAnswer, readAnswer, says } from "./connection.ts";
import { type LoggedModel, markReady } from "./logged-models.ts";
import { batchesOf, type LoggedMetric, type RunContents } from "./run-contents.ts";
import { readWritten } from "./runs.ts";

type Subject = { readonly runId: string; readonly logged: LoggedModel | undefined };

/**
 * Writes what the run and its logged model say, and ends both. An attempt that was cut off is gone on with: what is there is left out, since
 * servers break on a metric or an output that comes twice.
 */
export async function fillRun(server: Mlflow, { runId, logged }: Subject, contents: RunContents): Promise<void> {
  const act = `fill the run ${contents.name}`;
  const post = async (path: string, json: object) => {
    const wanted = { method: "POST", path: `/api/2.0/mlflow/runs/${path}`, json: { run_id: runId, ...json } } as const;
    const write = () => server.call({ ...wanted, repeatable: true });
    let answer = await write();
    for (let again = 0; again < OTHERS && isOvertaken(answer); again++) answer = await write();
    readAnswer(v.unknown(), answer, act);
  };
  const written = await readWritten(server, runId);
  if (contents.datasets.length > 0) await post("log-inputs", { datasets: contents.datasets });
  const metrics = contents.metrics.flatMap((metric) => missing(metric, { logged, written: written.metrics }));
  for (const batch of batchesOf({ ...contents, metrics })) await post("log-batch", batch);
  if (logged !== undefined && !written.models.has(logged.id))
    await post("outputs", { models: [{ model_id: logged.id, step: 0 }] });
  await post("update", { status: "FINISHED", end_time: contents.endMs });
  if (logged?.isReady === false) await markReady(server, logged.id);
}

/** How many jobs may write the same row before us. */
const OTHERS = 8;

/**
 * Another job wrote the same row in this moment: the database of the server refuses the second one, and the server hands that over in the
 * words of its library (SQLAlchemy). Written again, what is there with the same value is taken.
 */
function isOvertaken(answer: MlflowAnswer): boolean {
  return says(answer, "BAD_REQUEST") && answer.error.message.includes("IntegrityError");
}

/**
 * In 3.x a metric is of a model and of the data that it was measured on; 2.x has no place for either. NaN is of the run alone: as a model's
 * metric the server tells it as 0.
 */
function missing(
  { dataset, ...metric }: LoggedMetric,
  { logged, written }: { readonly logged: LoggedModel | undefined; readonly written: ReadonlySet<string> },
): readonly object[] {
  if (logged === undefined || metric.value === "NaN") return written.has(metric.key) ? [] : [metric];
  if (logged.metrics.has(metric.key)) return [];
  const on = dataset === undefined ? {} : { dataset_name: dataset.name, dataset_digest: dataset.digest };
  return [{ ...metric, model_id: logged.id, ...on }];
}
