import type { ModelOutput } from "./model-output.ts";
import type { RunArtifact, RunTask } from "./task.ts";

/** One artifact that an execution behind the model has read, and who made it. */
export type LineageInput = {
  readonly name: string;
  readonly type: string;
  readonly uri: string;
  readonly digest?: string;
  /** The path of the execution that made it; undefined where it came from outside of the run. */
  readonly producer: string | undefined;
};

/** One execution that the model rests on. */
export type LineageStep = {
  readonly path: string;
  /** Its outputs were kept from an earlier run. */
  readonly cached: boolean;
  readonly inputs: readonly LineageInput[];
};

/** The executions that made the model, the last one first, each once; empty where the run has no model. */
export function lineageOf(tasks: readonly RunTask[], model: ModelOutput | undefined): readonly LineageStep[] {
  const byPath = new Map(tasks.map((task) => [task.path, task]));
  const makers = new Map(
    tasks.flatMap((task) =>
      Object.values(task.outputs.artifacts)
        .flat()
        .map((artifact) => [artifact.uri, task.path] as const),
    ),
  );
  const steps: LineageStep[] = [];
  const open = model === undefined ? [] : [model.path];
  const met = new Set(open);
  for (let path = open.shift(); path !== undefined; path = open.shift()) {
    const task = byPath.get(path);
    if (task === undefined || task.state !== "succeeded") continue;
    const inputs = Object.entries(task.inputs.artifacts)
      .toSorted(([a], [b]) => a.localeCompare(b, "en"))
      .flatMap(([name, artifacts]) => artifacts.map((artifact) => inputOf(name, artifact, makers)));
    steps.push({ path, cached: task.cached, inputs });
    for (const { producer } of inputs) {
      if (producer === undefined || met.has(producer)) continue;
      met.add(producer);
      open.push(producer);
    }
  }
  return steps;
}

function inputOf(
  name: string,
  { type, uri, digest, producer }: RunArtifact,
  makers: ReadonlyMap<string, string>,
): LineageInput {
  return { name, type, uri, ...(digest === undefined ? {} : { digest }), producer: producer ?? makers.get(uri) };
}
