import { ReleaseError } from "../../lib/error.ts";
import type { Send } from "../../lib/http.ts";
import type { Clock } from "../../ports/clock.ts";
import { SERVICE } from "./connection.ts";
import { readPodLog } from "./logs.ts";
import type { TaskLogs } from "./marker.ts";
import { findServer, type Server } from "./server.ts";
import { readWorkflow } from "./workflow.ts";
import { workflowTasks } from "./workflow-tasks.ts";

/** A run's tasks with their pods, and what a pod printed: for who looks for metrics in logs. */
export function kfpTaskLogs(options: {
  readonly send: Send;
  readonly endpoint: string;
  readonly clock: Clock;
}): TaskLogs {
  let found: Promise<Server> | undefined;
  const server = () => {
    found ??= findServer(options);
    return found;
  };
  return {
    tasks: async (runId) => {
      const view = await readWorkflow(await server(), runId);
      const workflow = view.state === "read" ? view.reported : undefined;
      return workflow === undefined ? [] : workflowTasks(workflow, () => undefined);
    },
    log: async (runId, pod) => {
      const log = await readPodLog(await server(), runId, pod);
      if (log !== undefined) return log;
      throw new ReleaseError("NOT_FOUND", {
        rule: `${SERVICE} has no log of pod ${pod}`,
        hint: "logs are gone an hour after a run's end, unless Argo archives them",
      });
    },
  };
}
