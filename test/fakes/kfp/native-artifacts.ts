import type { Json } from "../../../actions/shared/domain/canonical.ts";
import type { RunArtifact } from "../../../actions/shared/domain/run/task.ts";
import type { JsonObject } from "./answer.ts";
import type { KfpState, Run } from "./state.ts";

export type Output = { readonly artifact: JsonObject; readonly link: JsonObject };

/** Every scalar of a `system.Metrics` is an artifact of its own. */
export function artifactsOf(state: KfpState, run: Run): readonly Output[] {
  return (state.results.get(run.id) ?? []).flatMap((task) =>
    Object.entries(task.outputs.artifacts).flatMap(([key, artifacts]) =>
      artifacts.flatMap((artifact, i) => {
        const id = `${taskId(run, task.path)}_${key}_${i}`;
        const link = { run_id: run.id, task_id: taskId(run, task.path), type: "OUTPUT", key };
        return objectsOf(artifact, { id, key, namespace: run.namespace }).map((one) => ({
          artifact: one,
          link: { ...link, id: `link_${one.artifact_id}`, artifact_id: one.artifact_id as Json },
        }));
      }),
    ),
  );
}

const NATIVE_TYPES: Readonly<Record<string, string>> = {
  "system.Artifact": "Artifact",
  "system.Model": "Model",
  "system.Dataset": "Dataset",
  "system.HTML": "HTML",
  "system.Markdown": "Markdown",
  "system.ClassificationMetrics": "ClassificationMetric",
  "system.SlicedClassificationMetrics": "SlicedClassificationMetric",
};

function objectsOf(
  artifact: RunArtifact,
  { id, key, namespace }: { readonly id: string; readonly key: string; readonly namespace: string },
): readonly JsonObject[] {
  const { type, uri, metadata } = artifact;
  if (type === "system.Metrics")
    return Object.entries(metadata)
      .filter(([, value]) => typeof value === "number")
      .map(([name, value]) => ({
        artifact_id: `${id}_${name}`,
        name,
        type: "Metric",
        number_value: value as Json,
        namespace,
      }));
  return [{ artifact_id: id, name: key, type: NATIVE_TYPES[type] ?? "Artifact", uri, metadata, namespace }];
}

export function taskId(run: Run, path: string): string {
  return `${run.id}/${path === "" ? "root" : path}`.replaceAll("/", "_");
}
