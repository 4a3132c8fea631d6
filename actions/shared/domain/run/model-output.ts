import { nearestName } from "../nearest.ts";
import type { TaskSite } from "../pipeline/tasks.ts";
import { bad, type Checked, ok } from "../problem.ts";
import type { RunArtifact, RunTask } from "./task.ts";

/** The output of a task that is the run's model. */
export type ModelOutput = { readonly task: string; readonly path: string; readonly output: string };

/**
 * Which output is the model: the one that is named (`task.output`), else the only `system.Model`; undefined where the pipeline has none.
 * Known before the run, so that nothing is trained whose model cannot be told.
 */
export function chooseModelOutput(
  sites: readonly TaskSite[],
  named: string | undefined,
): Checked<ModelOutput | undefined> {
  const all = sites.flatMap((site) =>
    Object.entries(site.component.outputDefinitions.artifacts).map(([output, artifact]) => ({
      site,
      output,
      name: `${site.task}.${output}`,
      isModel: artifact.artifactType.schemaTitle === "system.Model",
    })),
  );
  const found =
    named === undefined
      ? all.filter((one) => one.isModel)
      : all.filter((one) => one.name === named || `${one.site.path}.${one.output}` === named);
  const where = { input: "model-artifact" };
  const models = all.filter((one) => one.isModel).map((one) => one.name);
  if (found.length > 1)
    return bad({
      rule:
        named === undefined
          ? "the run has several models: say which one is released"
          : "several tasks of that name have that output",
      where,
      saw: found.map((one) => (named === undefined ? one.name : `${one.site.path}.${one.output}`)).join(", "),
      hint: `write model-artifact: ${found[0]?.site.path}.${found[0]?.output}`,
    });
  const [only] = found;
  if (only === undefined)
    return named === undefined
      ? ok(undefined)
      : unknownOutput(
          named,
          all.map((one) => one.name),
        );
  if (only.site.times !== 1)
    return bad({
      rule: "the model must not come from inside of a loop, which makes several",
      where,
      saw: only.name,
      hint: "choose the best candidate in a task after the loop, and let that one write the model",
    });
  return ok({ task: only.site.task, path: only.site.path, output: only.output });

  function unknownOutput(name: string, known: readonly string[]): Checked<ModelOutput | undefined> {
    const nearest = nearestName(name, known);
    return bad({
      rule: "no task of the pipeline has such an output",
      where,
      saw: name,
      allowed: (models.length > 0 ? models : known).join(", ") || "none: no task has an artifact as output",
      hint: nearest === undefined ? "name it task.output" : `did you mean ${nearest}?`,
    });
  }
}

/** The model that a run wrote; undefined where the task did not run or wrote nothing. */
export function findModel(tasks: readonly RunTask[], model: ModelOutput | undefined): RunArtifact | undefined {
  const task = tasks.find((one) => one.path === model?.path && one.state === "succeeded");
  return model === undefined ? undefined : task?.outputs.artifacts[model.output]?.[0];
}
