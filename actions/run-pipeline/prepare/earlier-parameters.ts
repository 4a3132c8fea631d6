import type { Parameters } from "../../shared/domain/pipeline/parameters.ts";
import type { RunDetails } from "../../shared/domain/run/details.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import { readRunDetails } from "../../shared/lib/read-run-details.ts";
import type { RunStep } from "../step.ts";

/**
 * `parameters-from: run`: the parameters of the run that the release record has, and over them what its tasks found (output parameters of
 * tasks that stand in no loop and in no other task: of a Katib Experiment those of its best trial). A name that several tasks give with
 * different values is none. A run that got its parameters this way gives the same ones again, so that a step that is run again finds its
 * own run.
 */
export async function earlierParameters({ inputs, job, release }: RunStep): Promise<Parameters> {
  if (inputs["parameters-from"] === undefined) return {};
  const where = { input: "parameters-from" };
  const { run } = release;
  if (run === undefined)
    throw new ReleaseError("CONFIG", {
      rule: "there is no earlier run to take parameters from",
      where,
      saw: "a release record without a run",
      hint: "run the experiment in a step before this one, or hand its `release` output on",
    });
  if (run.state !== "succeeded")
    throw new ReleaseError("REFUSED", {
      rule: "parameters come from a run that succeeded",
      where,
      saw: `run ${run.id} is ${run.state}`,
      hint: "run the step that starts it again",
    });
  const found = await readRunDetails(run, job.home);
  if (found.state === "found") return { ...(run.parameters as Parameters), ...foundParameters(found.details) };
  throw new ReleaseError("CONFIG", {
    rule: "what the earlier run found is not on this machine",
    where,
    saw: found.state === "elsewhere" ? `nothing at ${found.file}` : `run ${run.id} has no details`,
    hint: "run both steps in one job, or give the values in `parameters`",
  });
}

/** What the outermost tasks of a run put out as parameters. */
export function foundParameters({ tasks }: Pick<RunDetails, "tasks">): Parameters {
  const all = tasks
    .filter(({ path, state }) => !path.includes("/") && state === "succeeded")
    .flatMap(({ outputs }) => Object.entries(outputs.parameters));
  const byName = Map.groupBy(all, ([name]) => name);
  return Object.fromEntries(
    [...byName].flatMap(([name, given]) => {
      const values = new Set(given.map(([, value]) => JSON.stringify(value)));
      return values.size === 1 ? [[name, given[0]?.[1]]] : [];
    }),
  ) as Parameters;
}
