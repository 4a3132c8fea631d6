import * as v from "valibot";
import { ReleaseError } from "../../lib/error.ts";
import { type Mlflow, readAnswer, refusal, says } from "./connection.ts";

const ExperimentSchema = v.object({
  experiment: v.object({ experiment_id: v.string(), lifecycle_stage: v.optional(v.string()) }),
});

/** The experiment of this name, made where it is not there. Throws `CONFIG` for one that was deleted: its name stays taken. */
export async function ensureExperiment(server: Mlflow, name: string): Promise<string> {
  const known = await findExperiment(server, name);
  if (known !== undefined) return known;
  const act = `create the experiment ${name}`;
  const answer = await server.call({ method: "POST", path: "/api/2.0/mlflow/experiments/create", json: { name } });
  if (answer.state === "ok") return readAnswer(v.object({ experiment_id: v.string() }), answer, act).experiment_id;
  // somebody else made it a moment ago
  const made = says(answer, "RESOURCE_ALREADY_EXISTS") ? await findExperiment(server, name) : undefined;
  if (made === undefined) throw refusal(act, answer);
  return made;
}

async function findExperiment(server: Mlflow, name: string): Promise<string | undefined> {
  const answer = await server.call({
    path: "/api/2.0/mlflow/experiments/get-by-name",
    query: { experiment_name: name },
  });
  if (says(answer, "RESOURCE_DOES_NOT_EXIST")) return undefined;
  const { experiment } = readAnswer(ExperimentSchema, answer, `find the experiment ${name}`);
  if (experiment.lifecycle_stage !== "deleted") return experiment.experiment_id;
  throw new ReleaseError("CONFIG", {
    rule: `the experiment ${name} of MLflow was deleted, and keeps its name until it is restored or cleaned away`,
    where: { input: "mlflow-experiment" },
    saw: `experiment ${experiment.experiment_id}: deleted`,
    hint: "restore it (`mlflow experiments restore`), or name another one",
  });
}
