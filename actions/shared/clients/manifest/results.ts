import { type KubeObject, textsAt } from "../../domain/manifest/object.ts";
import { newestPods, type PodStatus } from "../../domain/manifest/pods.ts";
import { extendedResources, isAccelerator, podTemplatesOf } from "../../domain/manifest/templates.ts";
import { formatProblem } from "../../domain/problem.ts";
import { markedMetrics, withMarked } from "../../domain/run/marker.ts";
import type { Gpu, RunStatus, RunTask } from "../../domain/run/task.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { RunResults, TaskLog } from "../../ports/pipeline-engine.ts";
import { addressOf } from "../kubernetes/objects.ts";
import { listIfAllowed, podLog } from "../kubernetes/pods.ts";
import { findObject } from "./find-object.ts";
import type { Memory } from "./memory.ts";
import { observe } from "./observe.ts";
import type { Place } from "./place.ts";

/** Lines of a log that are searched for metrics, from its end. */
const METRIC_LINES = 20_000;

/** What a run left behind: its tasks, the logs that were kept, metrics that its pods printed, the GPUs that it had. */
export async function resultsOf(place: Place, runId: string, memory: Memory): Promise<RunResults> {
  const object = await findObject(place, runId);
  const status = object === undefined ? memory.lastStatus() : await observe(place, { object, runId, memory });
  if (status === undefined)
    throw new ReleaseError("NOT_FOUND", { rule: `the cluster does not know run ${runId}`, hint: "was it deleted?" });
  const tasks = await withPrintedMetrics(place, status, memory);
  const gpus = await gpusOf(place, object ?? memory.lastObject(), memory.pods());
  return {
    tasks,
    logs: logsOf(tasks, memory, place),
    notices: memory.notices(),
    ...(gpus.length === 0 ? {} : { environment: { gpus } }),
  };
}

function logsOf(tasks: readonly RunTask[], memory: Memory, { connection, namespace }: Place): readonly TaskLog[] {
  return memory.logs().flatMap(({ pod, tail }) => {
    const task = tasks.find((one) => one.pod === pod.name);
    const type = { group: "", version: "v1", plural: "pods", namespace };
    const place = `${addressOf(connection, type, pod.name).href}/log`;
    // a try that was followed by another is no task any more
    return task === undefined ? [] : [{ task: task.path, tail, place }];
  });
}

/** Kinds without metrics of their own: what the pods that succeeded printed belongs to the object's task. */
async function withPrintedMetrics(
  { connection, namespace, kind }: Place,
  status: RunStatus,
  memory: Memory,
): Promise<readonly RunTask[]> {
  const [root, ...others] = status.tasks;
  if (root === undefined || status.state !== "succeeded" || kind.kind === "Experiment") return status.tasks;
  let marked = root;
  for (const pod of newestPods(memory.pods()).filter(({ state }) => state === "succeeded")) {
    try {
      const log = await podLog(connection, { namespace, pod: pod.name, lines: METRIC_LINES, ...containerOf(pod) });
      if (log === undefined) memory.notice(`the log of pod ${pod.name} is gone: it could not be read for metrics`);
      const { metrics, faults } = markedMetrics(log ?? "");
      for (const fault of faults) memory.notice(`in the log of pod ${pod.name}: ${fault}`);
      marked = withMarked(marked, { ...printedBefore(marked), ...metrics }, pod.name);
    } catch (error) {
      if (!isReleaseError(error, "AUTH", "NOT_FOUND", "CONFLICT", "PROTOCOL", "UNAVAILABLE")) throw error;
      memory.notice(
        `the log of pod ${pod.name} could not be read for metrics: ${error.problems.map(formatProblem).join("; ")}`,
      );
    }
  }
  return [marked, ...others];
}

function printedBefore({ outputs }: RunTask) {
  return outputs.artifacts["log-metrics"]?.[0]?.metadata ?? {};
}

function containerOf({ container }: PodStatus): { readonly container?: string } {
  return container === undefined ? {} : { container };
}

/** The GPUs of the pods that ran, by the names that the nodes' labels give them. */
async function gpusOf(
  place: Place,
  object: KubeObject | undefined,
  pods: readonly PodStatus[],
): Promise<readonly Gpu[]> {
  const asked = (object === undefined ? [] : podTemplatesOf(object)).flatMap(({ spec, replicas }) =>
    Object.entries(extendedResources(spec))
      .filter(([type]) => isAccelerator(type))
      .map(([type, count]) => ({ type, count: count * replicas })),
  );
  if (asked.length === 0) return [];
  const nodes = new Set(pods.flatMap(({ node }) => node ?? []));
  const [first] = nodes;
  const known = first === undefined ? undefined : await nodeNamed(place, first);
  const labels = textsAt(known, ["metadata", "labels"]);
  const product = labels["nvidia.com/gpu.product"] ?? labels["cloud.google.com/gke-accelerator"];
  const driver = labels["nvidia.com/cuda.driver-version.full"] ?? driverOf(labels);
  const mebibytes = Number(labels["nvidia.com/gpu.memory"]);
  return asked.map((one) => ({
    name: product ?? one.type,
    count: one.count,
    ...(Number.isFinite(mebibytes) && mebibytes > 0 ? { memoryBytes: mebibytes * 1024 * 1024 } : {}),
    ...(driver === undefined ? {} : { driver }),
  }));
}

/** What its labels say is worth a look, not the run's results. */
async function nodeNamed({ connection }: Place, name: string): Promise<KubeObject | undefined> {
  const type = { group: "", version: "v1", plural: "nodes" };
  try {
    return (await listIfAllowed(connection, type, { fields: `metadata.name=${name}` }))?.[0];
  } catch (error) {
    if (!isReleaseError(error)) throw error;
    return undefined;
  }
}

function driverOf(labels: Readonly<Record<string, string>>): string | undefined {
  const parts = ["major", "minor", "rev"].map((part) => labels[`nvidia.com/cuda.driver.${part}`]);
  return parts[0] === undefined ? undefined : parts.filter((one) => one !== undefined).join(".");
}
