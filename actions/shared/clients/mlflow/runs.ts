import * as v from "valibot";
import type { Mlflow } from "./connection.ts";
import { MetricDataSchema } from "./metric-data.ts";
import type { RunContents } from "./run-contents.ts";
import { TAG } from "./tags.ts";

const ROUTE = "/api/2.0/mlflow/runs";

const RunSchema = v.object({ info: v.object({ run_id: v.string(), artifact_uri: v.optional(v.string(), "") }) });

export type MlflowRun = { readonly id: string; readonly artifacts: string };

type Wanted = { readonly experiment: string; readonly model: string; readonly version: string };

/** The run that shows a version, by its tags; made where it is not there. What it says is not in it yet. */
export async function ensureRun(server: Mlflow, wanted: Wanted, contents: RunContents): Promise<MlflowRun> {
  const found = await findRun(server, wanted);
  if (found !== undefined) return found;
  const { run } = await server.ask(`create the run ${contents.name}`, v.object({ run: RunSchema }), {
    method: "POST",
    path: `${ROUTE}/create`,
    json: {
      experiment_id: wanted.experiment,
      run_name: contents.name,
      start_time: contents.startMs,
      // in the same act: a killed job would else leave a run that nobody finds
      tags: contents.identity,
    },
  });
  return runOf(run);
}

async function findRun(server: Mlflow, { experiment, model, version }: Wanted): Promise<MlflowRun | undefined> {
  const filter = `tags.\`${TAG.model}\` = '${model}' and tags.\`${TAG.version}\` = '${version}'`;
  const schema = v.object({ runs: v.optional(v.array(RunSchema), []) });
  const { runs } = await server.ask(`find the run of ${model} ${version}`, schema, {
    method: "POST",
    path: `${ROUTE}/search`,
    json: { experiment_ids: [experiment], filter, max_results: 1, order_by: ["attributes.start_time ASC"] },
    repeatable: true,
  });
  return runs[0] === undefined ? undefined : runOf(runs[0]);
}

const WrittenSchema = v.object({
  run: v.object({
    data: v.optional(v.object({ metrics: v.optional(v.array(MetricDataSchema), []) }), {}),
    outputs: v.optional(v.object({ model_outputs: v.optional(v.array(v.object({ model_id: v.string() })), []) })),
  }),
});

/** What an earlier attempt wrote of it. */
export type WrittenRun = { readonly metrics: ReadonlySet<string>; readonly models: ReadonlySet<string> };

export async function readWritten(server: Mlflow, runId: string): Promise<WrittenRun> {
  const { run } = await server.ask(`read run ${runId}`, WrittenSchema, {
    path: `${ROUTE}/get`,
    query: { run_id: runId },
  });
  return {
    metrics: new Set(run.data.metrics?.map(({ key }) => key)),
    models: new Set(run.outputs?.model_outputs.map(({ model_id }) => model_id)),
  };
}

function runOf({ info }: v.InferOutput<typeof RunSchema>): MlflowRun {
  return { id: info.run_id, artifacts: info.artifact_uri };
}
