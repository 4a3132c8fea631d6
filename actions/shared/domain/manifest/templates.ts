import { isJsonObject, type Json } from "../canonical.ts";
import type { GpuRequest } from "../pipeline/gpus.ts";
import type { Kind } from "./kinds.ts";
import { type KubeObject, listAt, numberAt, type Path, recordAt, textAt, typeOf, valueAt } from "./object.ts";
import { parseQuantity } from "./quantity.ts";

/** A kind of pod that the object will have. */
export type PodTemplate = {
  /** `worker`, `node`; "" where the object has only one. */
  readonly name: string;
  /** How many at once. */
  readonly replicas: number;
  /** Of the pod's spec (of a TrainJob: of its trainer), for places. */
  readonly path: Path;
  readonly spec: KubeObject;
};

/**
 * Every pod template in an object, wherever it stands: whatever has `template.spec.containers`. Replicas multiply along the way (`replicas`,
 * `parallelism`, trials in parallel). A TrainJob has none of its own: its trainer stands for it, on top of the runtime where that is known.
 */
export function podTemplatesOf(object: KubeObject, runtime?: KubeObject): readonly PodTemplate[] {
  if (typeOf(object).kind === "TrainJob") return trainerTemplates(object, runtime);
  return templatesIn(object, [], 1);
}

/** A GPU, as Kubernetes names it: `nvidia.com/gpu`, `nvidia.com/mig-1g.5gb`, `google.com/tpu`. */
export function isAccelerator(resource: string): boolean {
  return resource.includes("/") && /gpu|mig-|tpu|npu|neuron|gaudi|habana|i915|accelerator/i.test(resource);
}

/** What one pod asks for of a resource that only some nodes have. Init containers run before the others, so the larger of the two counts. */
export function extendedResources(podSpec: KubeObject): Readonly<Record<string, number>> {
  const sums = addUp(listAt(podSpec, ["containers"]).map(requestsOf));
  const before = listAt(podSpec, ["initContainers"]).map(requestsOf);
  return Object.fromEntries(
    [sums, ...before]
      .flatMap((one) => Object.keys(one))
      .map((name) => [name, Math.max(sums[name] ?? 0, ...before.map((one) => one[name] ?? 0))]),
  );
}

/** The GPUs of each kind of pod; `taskOf` names the tasks that its pods become. */
export function gpuRequestsOf(
  templates: readonly PodTemplate[],
  taskOf: (template: PodTemplate) => string,
): readonly GpuRequest[] {
  return templates.flatMap((template) =>
    Object.entries(extendedResources(template.spec))
      .filter(([type, count]) => isAccelerator(type) && count > 0)
      .map(([type, count]) => ({ task: taskOf(template), type, count, times: template.replicas })),
  );
}

function templatesIn(value: Json | undefined, path: Path, times: number): readonly PodTemplate[] {
  if (Array.isArray(value)) return value.flatMap((one, i) => templatesIn(one, [...path, i], times));
  if (!isJsonObject(value)) return [];
  const here = times * timesOf(value);
  return Object.entries(value)
    .flatMap(([key, one]) => {
      const at = [...path, key];
      const isTemplate = key === "template" && Array.isArray(valueAt(one, ["spec", "containers"]));
      if (!isTemplate) return templatesIn(one, at, here);
      return [{ name: "", replicas: here, path: [...at, "spec"], spec: recordAt(one, ["spec"]) }];
    })
    .map((template) => (template.name === "" ? { ...template, name: nameFrom(value, path) } : template));
}

/** Katib runs three trials at once where nothing is said. */
function timesOf(value: KubeObject): number {
  const completions = numberAt(value, ["completions"]);
  const parallelism = numberAt(value, ["parallelism"]) ?? 1;
  const atOnce = completions === undefined ? parallelism : Math.min(parallelism, completions);
  const trials = isJsonObject(valueAt(value, ["trialTemplate"])) ? (numberAt(value, ["parallelTrialCount"]) ?? 3) : 1;
  return (numberAt(value, ["replicas"]) ?? 1) * atOnce * trials;
}

/** The key or the `name` that is next above: `pytorchReplicaSpecs.Worker` is `worker`. */
function nameFrom(owner: KubeObject, path: Path): string {
  const named = textAt(owner, ["name"]);
  if (named !== undefined) return named.toLowerCase();
  const last = path.at(-1);
  if (typeof last !== "string" || ["spec", "template", "trialSpec", "trialTemplate", "jobTemplate"].includes(last))
    return "";
  return last.toLowerCase();
}

function trainerTemplates(object: KubeObject, runtime: KubeObject | undefined): readonly PodTemplate[] {
  const trainer = recordAt(object, ["spec", "trainer"]);
  const inherited = templatesIn(valueAt(runtime, ["spec", "template", "spec", "replicatedJobs"]), [], 1);
  const node = inherited.find(({ name }) => name === "node" || name === "trainer") ?? inherited.at(-1);
  const [container = {}, ...others] = listAt(node?.spec, ["containers"]);
  const resources = valueAt(trainer, ["resourcesPerNode"]);
  const image = textAt(trainer, ["image"]);
  const own = {
    ...(container as KubeObject),
    ...(resources === undefined ? {} : { resources }),
    ...(image === undefined ? {} : { image }),
  };
  const nodes =
    numberAt(trainer, ["numNodes"]) ?? numberAt(runtime, ["spec", "mlPolicy", "numNodes"]) ?? node?.replicas ?? 1;
  const rest = inherited.filter((one) => one !== node);
  const spec = { ...node?.spec, ...overridesOf(object), containers: [own, ...others] };
  return [
    ...rest.map((one) => ({ ...one, path: ["spec", "runtimeRef"] })),
    { name: node?.name ?? "node", replicas: nodes, path: ["spec", "trainer"], spec },
  ];
}

/** What a TrainJob says of its pods' placement, in the forms of Trainer 2.0 and later. */
function overridesOf(object: KubeObject): KubeObject {
  const specs = [
    ...listAt(object, ["spec", "podSpecOverrides"]),
    ...listAt(object, ["spec", "podTemplateOverrides"]).map((one) => recordAt(one, ["spec"])),
  ];
  const placed = specs.flatMap((one) =>
    ["nodeSelector", "tolerations", "affinity"].flatMap((key) => {
      const value = valueAt(one, [key]);
      return value === undefined ? [] : [[key, value] as const];
    }),
  );
  return Object.fromEntries(placed);
}

/** Limits stand for requests where only they are given; for these resources the two are the same. */
function requestsOf(container: Json): Readonly<Record<string, number>> {
  const asked = { ...recordAt(container, ["resources", "limits"]), ...recordAt(container, ["resources", "requests"]) };
  return Object.fromEntries(
    Object.entries(asked).flatMap(([name, value]) => {
      const isExtended = name.includes("/") && !/(^|\.)kubernetes\.io\//.test(name);
      const quantity =
        typeof value === "string" || typeof value === "number" ? parseQuantity(String(value)) : undefined;
      return isExtended && quantity !== undefined ? [[name, quantity]] : [];
    }),
  );
}

function addUp(all: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const one of all) for (const [name, count] of Object.entries(one)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

/** Whether the pods of an object are told apart by name: several templates, several replicas, trials, or a runtime that decides. */
export function hasSeveralPods(templates: readonly PodTemplate[], { kind }: Pick<Kind, "kind">): boolean {
  return (
    kind === "Experiment" ||
    kind === "TrainJob" ||
    templates.length > 1 ||
    templates.some(({ replicas }) => replicas > 1)
  );
}
