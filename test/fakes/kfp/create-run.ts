import { type Answer, failure, type JsonObject, ok } from "./answer.ts";
import { defaultExperiment } from "./experiments.ts";
import { textOf } from "./fields.ts";
import { parameterFault } from "./parameter-fault.ts";
import { isObject, readMessage } from "./proto-json.ts";
import { runBody } from "./run-body.ts";
import { type Experiment, type KfpState, type Run, serverNow, type Workflow } from "./state.ts";
import { isSpec } from "./uploads.ts";
import { versionsOf } from "./versions.ts";
import { newManifest } from "./workflows.ts";

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
