import type { JsonObject } from "./answer.ts";
import { type KfpState, type Run, type TaskDetail, timeText } from "./state.ts";
import { specText, workflowText } from "./workflows.ts";

export function runBody(state: KfpState, run: Run): JsonObject {
  const tasks = [...run.tasks.values()];
  const isOver = run.finishedMs !== undefined;
  return {
    experiment_id: run.experimentId,
    run_id: run.id,
    display_name: run.displayName,
    storage_state: run.storageState,
    ...(run.description === "" ? {} : { description: run.description }),
    ...(run.version
      ? {
          pipeline_version_reference: {
            pipeline_id: run.version.pipelineId,
            pipeline_version_id: run.version.versionId,
          },
        }
      : { pipeline_spec: run.spec }),
    ...(Object.keys(run.runtimeConfig).length === 0 ? {} : { runtime_config: run.runtimeConfig }),
    service_account: run.serviceAccount,
    created_at: timeText(run.createdMs),
    scheduled_at: timeText(run.createdMs),
    ...(isOver || state.switches.has("unfinished-at-1970") ? { finished_at: timeText(run.finishedMs) } : {}),
    state: run.state,
    ...(tasks.length === 0 || state.settings.release === "3.0"
      ? {}
      : { run_details: { task_details: tasks.map((task) => taskBody(state, run, task)) } }),
    state_history: run.history.map(({ atMs, state: was }) => ({ update_time: timeText(atMs), state: was })),
  };
}

const NEVER = "0001-01-01T00:00:00Z";

function taskBody(state: KfpState, run: Run, task: TaskDetail): JsonObject {
  return {
    run_id: run.id,
    task_id: task.id,
    display_name: task.displayName,
    create_time: timeText(task.createMs),
    start_time: task.startMs === undefined ? NEVER : timeText(task.startMs),
    ...(task.endMs !== undefined || state.switches.has("unended-in-year-1")
      ? { end_time: task.endMs === undefined ? NEVER : timeText(task.endMs) }
      : {}),
    state: task.state,
    state_history: task.history.map(({ atMs, state: was }) => ({ update_time: timeText(atMs), state: was })),
    ...(task.children.length === 0 ? {} : { child_tasks: task.children.map((pod) => ({ pod_name: pod })) }),
  };
}

const V1_STATUS: Readonly<Record<string, string>> = {
  PENDING: "Pending",
  RUNNING: "Running",
  SUCCEEDED: "Succeeded",
  SKIPPED: "Skipped",
  FAILED: "Failed",
  CANCELING: "Terminating",
  CANCELED: "Canceled",
};

/** As the old API shows it: with the whole Argo workflow as text. */
export function runBodyV1(state: KfpState, run: Run): JsonObject {
  const told = workflowText(state, run);
  const references = [
    { key: { type: "EXPERIMENT", id: run.experimentId }, relationship: "OWNER" },
    ...(run.version ? [{ key: { type: "PIPELINE_VERSION", id: run.version.versionId }, relationship: "CREATOR" }] : []),
  ];
  return {
    run: {
      id: run.id,
      name: run.displayName,
      pipeline_spec: {
        ...(run.version ? { pipeline_id: run.version.pipelineId, pipeline_name: run.version.named } : {}),
        pipeline_manifest: specText(run.spec),
        runtime_config: run.runtimeConfig,
      },
      resource_references: references,
      service_account: run.serviceAccount,
      created_at: timeText(run.createdMs),
      scheduled_at: timeText(run.createdMs),
      finished_at: timeText(run.finishedMs),
      status: V1_STATUS[run.state] ?? "",
    },
    pipeline_runtime: {
      pipeline_manifest: JSON.stringify(run.workflow.manifest),
      ...(told === undefined ? {} : { workflow_manifest: told }),
    },
  };
}
