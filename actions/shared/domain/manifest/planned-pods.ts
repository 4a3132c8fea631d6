import type { GpuRequest } from "../pipeline/gpus.ts";
import type { Kind } from "./kinds.ts";
import { type KubeObject, listAt, textAt } from "./object.ts";
import { objectName } from "./object-name.ts";
import { podPath, taskNameOf, trialPath } from "./run-status.ts";
import { gpuRequestsOf, hasSeveralPods, type PodTemplate, podTemplatesOf } from "./templates.ts";

/** A pod that an object will have, by the path that its task gets. Trials are one, as many times as run at once. */
export type PlannedPod = { readonly path: string; readonly times: number; readonly template: PodTemplate };

/** The pods of an object that is applied under this name. */
export function plannedPods(name: string, object: KubeObject, kind: Kind): readonly PlannedPod[] {
  const task = taskNameOf(objectName(name, "", kind));
  const templates = podTemplatesOf(object);
  if (!hasSeveralPods(templates, kind)) return templates.map((template) => ({ path: task, times: 1, template }));
  if (kind.kind === "Experiment")
    return templates.map((template) => ({ path: trialPath(task), times: template.replicas, template }));
  return templates.flatMap((template) =>
    Array.from({ length: template.replicas }, (_, index) => {
      const replica = template.name === "" ? String(index) : `${template.name}-${index}`;
      return { path: podPath(task, replica), times: 1, template };
    }),
  );
}

/** What each pod asks for, by its task's path, so that it can be counted what each one had. */
export function plannedGpus(pods: readonly PlannedPod[]): readonly GpuRequest[] {
  return pods.flatMap(({ path, times, template }) => gpuRequestsOf([{ ...template, replicas: times }], () => path));
}

/** The image of a pod's first container. */
export function imageOf({ template }: PlannedPod): string {
  return textAt(listAt(template.spec, ["containers"])[0], ["image"]) ?? "";
}
