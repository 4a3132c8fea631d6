import type { RunArtifact, RunTask, TaskValues } from "./task.ts";

/** The tasks with, at every input artifact, the execution of this run that made it; by its address, where the engine does not say it itself. */
export function withProducers(tasks: readonly RunTask[]): readonly RunTask[] {
  const makers = new Map<string, string>();
  for (const { path, outputs } of tasks)
    for (const artifact of Object.values(outputs.artifacts).flat())
      if (!makers.has(artifact.uri)) makers.set(artifact.uri, path);
  return tasks.map((task) => ({ ...task, inputs: inputsOf(task, makers) }));
}

function inputsOf({ path, inputs }: RunTask, makers: ReadonlyMap<string, string>): TaskValues {
  const made = (artifact: RunArtifact): RunArtifact => {
    const producer = artifact.producer ?? makers.get(artifact.uri);
    return producer === undefined || producer === path ? artifact : { ...artifact, producer };
  };
  const artifacts = Object.entries(inputs.artifacts).map(([name, list]) => [name, list.map(made)]);
  return { ...inputs, artifacts: Object.fromEntries(artifacts) };
}
