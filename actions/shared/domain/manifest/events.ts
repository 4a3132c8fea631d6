import type { TaskWait } from "../run/task.ts";
import { type KubeObject, textAt, timeAt } from "./object.ts";

/**
 * Why there is no pod: the newest `FailedCreate` of the controllers that make pods for the object (a TrainJob's are JobSets and Jobs, whose
 * names begin with its own). Undefined where nothing failed.
 */
export function creationFailure(events: readonly KubeObject[], name: string): TaskWait | undefined {
  const own = events.filter((event) => {
    const of = textAt(event, ["involvedObject", "name"]) ?? "";
    return textAt(event, ["reason"]) === "FailedCreate" && (of === name || of.startsWith(`${name}-`));
  });
  const newest = own.toSorted((a, b) => timeOf(a) - timeOf(b)).at(-1);
  if (newest === undefined) return undefined;
  const message = withoutPodName(textAt(newest, ["message"]) ?? "pods could not be created");
  return {
    kind: /exceeded quota/.test(message) ? "quota" : "config",
    message,
  };
}

/** Why a pod that has a node does not start: the newest warning about it. */
export function podTrouble(events: readonly KubeObject[], pod: string): TaskWait | undefined {
  const own = events.filter(
    (event) => textAt(event, ["involvedObject", "name"]) === pod && textAt(event, ["type"]) === "Warning",
  );
  const newest = own.toSorted((a, b) => timeOf(a) - timeOf(b)).at(-1);
  const reason = textAt(newest, ["reason"]) ?? "";
  if (!/^Failed(Mount|AttachVolume|MapVolume|CreatePodSandBox)|NetworkNotReady/.test(reason)) return undefined;
  return { kind: "config", message: `${reason}: ${textAt(newest, ["message"]) ?? ""}`, pod };
}

/** Every try has a pod's name of its own; the trouble is the same. */
function withoutPodName(message: string): string {
  return message.replace(/pods "[^"]+" is/, "pods are").replace(/Pod "[^"]+" is/, "Pods are");
}

function timeOf(event: KubeObject): number {
  return timeAt(event, ["lastTimestamp"]) ?? timeAt(event, ["eventTime"]) ?? timeAt(event, ["firstTimestamp"]) ?? 0;
}
