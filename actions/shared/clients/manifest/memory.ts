import type { KubeObject } from "../../domain/manifest/object.ts";
import type { PodStatus } from "../../domain/manifest/pods.ts";
import type { RunStatus } from "../../domain/run/task.ts";

/** The end of what a failed pod printed. */
export type KeptLog = { readonly pod: PodStatus; readonly tail: string };

/** What was seen of a run and may be gone by the time that it is asked for: pods are removed when a job ends, objects after a while. */
export type Memory = {
  lastStatus(): RunStatus | undefined;
  lastObject(): KubeObject | undefined;
  pods(): readonly PodStatus[];
  logs(): readonly KeptLog[];
  sawStatus(status: RunStatus): void;
  sawObject(object: KubeObject): void;
  sawPods(pods: readonly PodStatus[]): void;
  keepLog(log: KeptLog): void;
  /** In order, each once. */
  notices(): readonly string[];
  notice(sentence: string): void;
};

export function newMemory(): Memory {
  let status: RunStatus | undefined;
  let object: KubeObject | undefined;
  const pods = new Map<string, PodStatus>();
  const logs = new Map<string, KeptLog>();
  const notices = new Set<string>();
  return {
    lastStatus: () => status,
    lastObject: () => object,
    pods: () => [...pods.values()],
    logs: () => [...logs.values()],
    notices: () => [...notices],
    sawStatus: (seen) => {
      status = seen;
    },
    sawObject: (seen) => {
      object = seen;
    },
    sawPods: (seen) => {
      for (const pod of seen) pods.set(pod.name, pod);
    },
    keepLog: (log) => {
      logs.set(log.pod.name, log);
    },
    notice: (sentence) => {
      notices.add(sentence);
    },
  };
}
