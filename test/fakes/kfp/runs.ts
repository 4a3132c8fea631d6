import type { Json } from "../../../actions/shared/domain/canonical.ts";
import { type Answer, failure, type JsonObject, ok } from "./answer.ts";
import { courseOf, pathOf } from "./course.ts";
import { defaultExperiment } from "./experiments.ts";
import { parameterFault } from "./job-inputs.ts";
import { type Listable, listBody, pageOf } from "./listing.ts";
import { nativeTasks } from "./native.ts";
import { textOf, versionsOf } from "./pipelines.ts";
import { isObject, readMessage } from "./proto-json.ts";
import {
  type Experiment,
  type KfpState,
  type Run,
  serverNow,
  type TaskDetail,
  timeText,
  type Workflow,
} from "./state.ts";
import { isSpec } from "./uploads.ts";
import { newManifest, specText, workflowText } from "./workflows.ts";

const RUNS: Listable<Run> = {
  plural: "runs",
  type: "Run",
  model: "",
  prefix: "",
  idOf: (one) => one.id,
  columns: {
    id: { column: "UUID", of: (one) => one.id },
    run_id: { column: "UUID", of: (one) => one.id },
    name: { column: "DisplayName", of: (one) => one.displayName },
    display_name: { column: "DisplayName", of: (one) => one.displayName },
    created_at: { column: "CreatedAtInSec", of: (one) => Math.floor(one.createdMs / 1_000) },
    scheduled_at: { column: "ScheduledAtInSec", of: (one) => Math.floor(one.createdMs / 1_000) },
    finished_at: { column: "FinishedAtInSec", of: (one) => Math.floor((one.finishedMs ?? 0) / 1_000) },
    description: { column: "Description", of: (one) => one.description },
    storage_state: { column: "StorageState", of: (one) => one.storageState },
    state: { column: "State", of: (one) => one.state },
    status: { column: "State", of: (one) => one.state },
    namespace: { column: "Namespace", of: (one) => one.namespace },
    experiment_id: { column: "ExperimentUUID", of: (one) => one.experimentId },
    recurring_run_id: { column: "JobUUID", of: () => "" },
  },
};

const MESSAGE = {
  experiment_id: "any",
  run_id: "any",
  display_name: "any",
  storage_state: "any",
  description: "any",
  pipeline_version_id: "any",
  pipeline_spec: "any",
  pipeline_version_reference: { pipeline_id: "any", pipeline_version_id: "any" },
  runtime_config: { parameters: "any", pipeline_root: "any" },
  service_account: "any",
  created_at: "any",
  scheduled_at: "any",
  finished_at: "any",
  state: "any",
  error: "any",
  run_details: "any",
  recurring_run_id: "any",
  state_history: "any",
  pipeline_reference: "any",
  plugins_input: "any",
  plugins_output: "any",
} as const;

const CREATE = "Failed to create a new run: ";

/** The workflow is started first and the row written second: a second call with the same id starts a second workflow and then fails. */
export function createRun(state: KfpState, text: string): Answer {
  const body = readMessage(text, state.switches.has("unknown-field-refused") ? MESSAGE : lenient(text));
  const displayName = textOf(body.display_name);
  const id = textOf(body.run_id);
  const conversion =
    "CreateJob(job.ToV2())Failed to create a run due to conversion error: InternalServerError: Failed to convert";
  if (displayName === "")
    return failure(
      13,
      `${conversion} a API run detail to its internal representation: Invalid input error: Run name cannot be empty`,
      "",
    );
  if (id.length > 191)
    return failure(
      13,
      `${conversion} API run to its internal representation: Invalid input error: Run.UUID length cannot exceed 191`,
      "",
    );
  const experimentId = textOf(body.experiment_id);
  const experiment = experimentId === "" ? defaultExperiment(state) : state.experiments.get(experimentId);
  if (!experiment) return noExperiment(experimentId);
  const source = sourceOf(state, body);
  if ("fault" in source)
    return failure(
      13,
      `${CREATE}InternalServerError: Failed to create a run due to error fetching manifest: ${source.fault}`,
      "",
    );
  const config = isObject(body.runtime_config) ? body.runtime_config : {};
  const parameters = isObject(config.parameters) ? config.parameters : {};
  const fault = parameterFault(source.spec, parameters);
  if (fault !== undefined)
    return failure(
      3,
      `${CREATE}Failed to generate the ExecutionSpec: invalid pipeline job inputs: Invalid input error: ${fault}`,
      fault,
    );
  const known = state.runs.get(id);
  if (known && !state.switches.has("same-run-id-starts-twice")) return ok(runBody(state, known));
  const run = newRun(state, { body, displayName, id: id || state.newId("run"), experiment, source });
  state.workflows.push(run.workflow);
  if (known)
    return failure(
      13,
      `${CREATE}Failed to create a run: InternalServerError: Failed to store run ${displayName} to table: UNIQUE constraint failed: run_details.UUID`,
      "",
    );
  state.runs.set(run.id, run);
  state.cluster?.start(run);
  experiment.lastRunMs = run.createdMs;
  return ok(runBody(state, run));
}

/** Every field that the text has, for a server that would ignore what it does not know. */
function lenient(text: string): typeof MESSAGE {
  try {
    const keys = Object.keys(JSON.parse(text) as object);
    return { ...Object.fromEntries(keys.map((key) => [key, "any"])), ...MESSAGE } as typeof MESSAGE;
  } catch {
    return MESSAGE;
  }
}

function noExperiment(id: string): Answer {
  const inner = `Experiment ${id} not found`;
  return failure(
    5,
    `${CREATE}Failed to create a run due to invalid experimentId and namespace combination: Failed to fetch namespace for experiment ${id}: Failed to fetch namespace from experiment ${id}: ResourceNotFoundError: ${inner}`,
    inner,
  );
}

type Source = { readonly spec: JsonObject; readonly version: Run["version"] };

function sourceOf(state: KfpState, body: JsonObject): Source | { readonly fault: string } {
  const reference = body.pipeline_version_reference;
  if (isObject(reference)) return referencedSource(state, reference);
  const inline = body.pipeline_spec;
  if (!isObject(inline))
    return { fault: "Invalid input error: Failed to fetch a template with an empty pipeline spec manifest" };
  const spec = isObject(inline.pipeline_spec) ? inline.pipeline_spec : inline;
  if (!isSpec(spec))
    return {
      fault:
        "Failed to fetch a template with an invalid pipeline spec manifest: InvalidInputError: unknown template format: pipeline spec is invalid",
    };
  return { spec: inline, version: undefined };
}

/** Without a version, the newest is taken, whoever uploaded it. */
function referencedSource(state: KfpState, reference: JsonObject): Source | { readonly fault: string } {
  const pipelineId = textOf(reference.pipeline_id);
  const wanted = textOf(reference.pipeline_version_id);
  const newest = versionsOf(state, pipelineId).toSorted((a, b) => b.createdMs - a.createdMs)[0];
  const oldest = versionsOf(state, pipelineId)[0];
  const byDefault = state.switches.has("default-is-newest-version") ? newest : oldest;
  const version = wanted === "" ? byDefault : state.versions.get(wanted);
  if (version) return { spec: version.spec, version: { pipelineId, versionId: version.id, named: version.name } };
  return {
    fault: `Failed to fetch a template due to error retrieving pipeline version: Failed to fetch a pipeline version and its manifest from pipeline version ${wanted}: Failed to get a pipeline version with id ${wanted}: ResourceNotFoundError: PipelineVersion ${wanted} not found`,
  };
}

type Wanted = {
  readonly body: JsonObject;
  readonly displayName: string;
  readonly id: string;
  readonly experiment: Experiment;
  readonly source: Source;
};

function newRun(state: KfpState, { body, displayName, id, experiment, source }: Wanted): Run {
  const createdMs = serverNow(state);
  const serviceAccount =
    textOf(body.service_account) || (state.settings.multiUser ? "default-editor" : "pipeline-runner");
  const inner = isObject(source.spec.pipeline_spec) ? source.spec.pipeline_spec : source.spec;
  const info = isObject(inner.pipelineInfo) ? inner.pipelineInfo : {};
  const namespace = experiment.namespace || state.settings.namespace;
  const config = isObject(body.runtime_config) ? body.runtime_config : {};
  const parameters = isObject(config.parameters) ? config.parameters : {};
  const schedule = state.cluster
    ? undefined
    : state.settings.scheduleOf({ runId: id, attempt: 1, spec: source.spec, parameters });
  const fromMs = state.clock.now();
  const name = `${info.name}-${state.workflows.length}`;
  const workflow: Workflow = {
    name,
    uid: state.newId("workflow"),
    namespace,
    runId: id,
    manifest: newManifest({ name, namespace, runId: id, runName: displayName, serviceAccount }),
    createdMs: fromMs,
    tries: schedule
      ? [
          {
            number: 1,
            fromMs,
            schedule: state.nobodyWorks ? { ...schedule, controllerMs: Number.POSITIVE_INFINITY } : schedule,
            kept: [],
            terminatedMs: undefined,
          },
        ]
      : [],
    toldMs: fromMs,
  };
  return {
    id,
    experimentId: experiment.id,
    displayName,
    description: textOf(body.description),
    namespace,
    version: source.version,
    spec: source.spec,
    runtimeConfig: config,
    serviceAccount,
    createdMs,
    workflow,
    storageState: "AVAILABLE",
    state: "PENDING",
    finishedMs: undefined,
    history: [{ atMs: createdMs, state: "PENDING" }],
    tasks: new Map(),
    reported: undefined,
  };
}

/** Looks are by far the most calls, and mostly nothing has changed. */
const answers = new WeakMap<Run, { readonly revision: number; readonly answer: Answer }>();

export function getRun(state: KfpState, id: string, query: URLSearchParams): Answer {
  const run = state.runs.get(id);
  if (!run) return noRun(id, "Failed to get a run: ");
  if (state.settings.release === "3.0" && query.get("view") === "FULL")
    return ok({ ...runBody(state, run), tasks: nativeTasks(state, run) });
  const last = answers.get(run);
  if (last?.revision === state.revision) return last.answer;
  const answer = ok(runBody(state, run));
  answers.set(run, { revision: state.revision, answer });
  return answer;
}

function noRun(id: string, prefix: string): Answer {
  const inner = `Run ${id} not found`;
  return failure(5, `${prefix}Failed to fetch run ${id}: ResourceNotFoundError: ${inner}`, inner);
}

export function listRuns(state: KfpState, query: URLSearchParams): Answer {
  const experiment = query.get("experiment_id");
  const namespace = query.get("namespace");
  const own = [...state.runs.values()]
    .filter((one) => experiment === null || one.experimentId === experiment)
    .filter((one) => !state.settings.multiUser || namespace === null || one.namespace === namespace);
  const page = pageOf(state, own, { of: RUNS, query });
  return ok(listBody("runs", { ...page, items: page.items.map((run) => runBody(state, run)) }));
}

export function terminateRun(state: KfpState, id: string): Answer {
  const prefix = `Failed to terminate a run: Failed to terminate run ${id}`;
  const run = state.runs.get(id);
  if (!run) return noRun(id, `${prefix} due to error fetching the run: `);
  if (run.state !== "PENDING" && run.state !== "RUNNING") {
    if (run.state === "CANCELING" && !state.switches.has("terminate-twice-refused")) return ok({});
    const inner = `Failed to terminate a run ${id}. Row not found`;
    return failure(3, `${prefix}: Invalid input error: ${inner}`, inner);
  }
  run.state = "CANCELING";
  const last = run.workflow.tries.at(-1);
  if (last && !state.switches.has("terminate-forgotten")) last.terminatedMs = state.clock.now();
  state.cluster?.terminate(run);
  return ok({});
}

/** Tries the same workflow again; what succeeded in it is kept. */
export function retryRun(state: KfpState, id: string): Answer {
  const prefix = `Failed to retry a run: `;
  const run = state.runs.get(id);
  if (!run) return noRun(id, `${prefix}Failed to retry run ${id} due to error fetching the run: `);
  const conflict = state.switches.has("retry-refused-by-409") ? (10 as const) : (3 as const);
  if (run.reported === undefined) {
    const inner = `Failed to retry run ${id} due to error fetching workflow manifest`;
    return failure(
      conflict,
      `${prefix}BadRequestError: ${inner}: Invalid input error: Workflow manifest cannot be empty`,
      inner,
    );
  }
  const status = isObject(run.reported.status) ? run.reported.status : {};
  if (status.phase !== "Failed" && status.phase !== "Error") {
    const inner = "Workflow must be Failed/Error to retry";
    return failure(
      conflict,
      `${prefix}Failed to retry run ${id}: BadRequestError: ${inner}: workflow cannot be retried`,
      inner,
    );
  }
  if (state.switches.has("nodes-offloaded")) {
    const inner = "cannot retry a workflow whose node status is offloaded";
    return failure(conflict, `${prefix}Failed to retry run ${id}: BadRequestError: ${inner}`, inner);
  }
  tryAgain(state, run);
  run.state = "RUNNING";
  run.finishedMs = undefined;
  run.history.push({ atMs: serverNow(state), state: "RUNNING" });
  run.reported = { ...run.reported, metadata: retried(run.reported.metadata), status: { ...statusToRetry(status) } };
  return ok({});
}

function tryAgain(state: KfpState, run: Run): void {
  state.cluster?.retry(run);
  if (state.cluster) return;
  const { workflow } = run;
  const last = workflow.tries.at(-1);
  if (last === undefined) return;
  const now = state.clock.now();
  const number = last.number + 1;
  const parameters = isObject(run.runtimeConfig.parameters) ? run.runtimeConfig.parameters : {};
  const schedule = state.settings.scheduleOf({ runId: run.id, attempt: number, spec: run.spec, parameters });
  const endMs = Math.min(now, last.terminatedMs ?? Number.POSITIVE_INFINITY);
  const kept = courseOf(last)
    .tasks.filter((task) => task.outcome === "Succeeded" && task.endMs <= endMs)
    .map((task) => pathOf(task.task));
  if (schedule) workflow.tries.push({ number, fromMs: now, schedule, kept, terminatedMs: undefined });
}

function retried(metadata: Json | undefined): JsonObject {
  const fields = isObject(metadata) ? metadata : {};
  const labels = isObject(fields.labels) ? fields.labels : {};
  const { "workflows.argoproj.io/completed": _, ...rest } = labels;
  return { ...fields, labels: { ...rest, "workflows.argoproj.io/phase": "Running" } };
}

function statusToRetry(status: JsonObject): JsonObject {
  const nodes = isObject(status.nodes) ? status.nodes : {};
  const kept = Object.entries(nodes).filter(([, node]) => isObject(node) && node.phase === "Succeeded");
  return {
    ...status,
    phase: "Running",
    finishedAt: null,
    nodes: Object.fromEntries(kept),
    conditions: [{ type: "Completed", status: "False" }],
  };
}

export function storeRun(state: KfpState, id: string, storageState: Run["storageState"]): Answer {
  const run = state.runs.get(id);
  if (!run) return noRun(id, "Failed to archive a run: ");
  run.storageState = storageState;
  return ok({});
}

export function deleteRun(state: KfpState, id: string): Answer {
  const run = state.runs.get(id);
  if (!run) return noRun(id, "Failed to delete a run: ");
  state.runs.delete(id);
  return ok({});
}

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

/** The old API's view of a run: the whole Argo workflow as text. */
export function getRunV1(state: KfpState, id: string): Answer {
  const run = state.runs.get(id);
  if (!run) return noRun(id, "Failed to get a v1beta1 run: ");
  const told = workflowText(state, run);
  const references = [
    { key: { type: "EXPERIMENT", id: run.experimentId }, relationship: "OWNER" },
    ...(run.version ? [{ key: { type: "PIPELINE_VERSION", id: run.version.versionId }, relationship: "CREATOR" }] : []),
  ];
  return ok({
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
  });
}
