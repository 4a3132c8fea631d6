import type { Json } from "../canonical.ts";
import { formatDuration } from "../quantity.ts";
import { type KubeObject, listAt, numberAt, textAt, valueAt } from "./object.ts";

/** How far a TrainJob says it is: `42 %, 1h20m left`; else the counts of its jobs: `node: 2 active`. Undefined where it says nothing. */
export function trainJobProgress(object: KubeObject): string | undefined {
  const percent = numberAt(object, ["status", "trainerStatus", "progressPercentage"]);
  const left = numberAt(object, ["status", "trainerStatus", "estimatedRemainingSeconds"]);
  const told = [
    ...(percent === undefined ? [] : [`${percent} %`]),
    ...(left === undefined ? [] : [`${formatDuration(left * 1_000)} left`]),
  ];
  if (told.length > 0) return told.join(", ");
  const jobs = listAt(object, ["status", "jobsStatus"]).map((one) => {
    const words = ["active", "ready", "succeeded", "failed"].flatMap((key) =>
      (numberAt(one, [key]) ?? 0) > 0 ? [`${numberAt(one, [key])} ${key}`] : [],
    );
    return `${textAt(one, ["name"]) ?? ""}: ${words.join(", ") || "nothing yet"}`;
  });
  return jobs.length === 0 ? undefined : jobs.join("; ");
}

/** The counts of a training job's replicas: `Master: 1 active; Worker: 2 active, 1 failed`. */
export function replicaProgress(object: KubeObject): string | undefined {
  const replicas = Object.entries(valueAt(object, ["status", "replicaStatuses"]) ?? {}).map(([type, one]) => {
    const words = ["active", "succeeded", "failed"].flatMap((key) =>
      (numberAt(one as Json, [key]) ?? 0) > 0 ? [`${numberAt(one as Json, [key])} ${key}`] : [],
    );
    return `${type}: ${words.join(", ") || "nothing yet"}`;
  });
  return replicas.length === 0 ? undefined : replicas.join("; ");
}
