import { gzipSync } from "node:zlib";
import { stringify } from "yaml";
import type { Json } from "../../../actions/shared/domain/canonical.ts";
import { type Answer, failure, type JsonObject, ok } from "./answer.ts";
import { changesOf, courseOf } from "./course.ts";
import { type Node, statusAt, type WorkflowStatus } from "./nodes.ts";
import { isObject } from "./proto-json.ts";
import { type KfpState, type Run, type RunState, serverNow, type Try, timeText, type Workflow } from "./state.ts";

/** Brings every run up to what its workflow has come to, as the persistence agent would have told it on the way. */
export function tellProgress(state: KfpState): void {
  const now = state.clock.now();
  for (const run of state.runs.values()) {
    const { workflow } = run;
    const last = workflow.tries.at(-1);
    if (last === undefined) continue;
    for (const atMs of changesOf(last).filter((at) => at > workflow.toldMs && at <= now)) {
      const status = withSurvivors(state, { workflow, last, atMs });
      if (status) report(state, { run, manifest: manifestWith(state, run, status), atMs: atMs + state.skewMs });
    }
    workflow.toldMs = Math.max(workflow.toldMs, now);
  }
}

type At = { readonly workflow: Workflow; readonly last: Try; readonly atMs: number };

/** A workflow that was ended is over, whatever its pods do. */
function withSurvivors(state: KfpState, { workflow, last, atMs }: At): WorkflowStatus | undefined {
  const status = statusAt(workflow, last, atMs);
  if (status === undefined || last.terminatedMs === undefined || !state.switches.has("pods-survive-terminate"))
    return status;
  const on = statusAt(workflow, { ...last, terminatedMs: undefined }, atMs);
  return { ...status, nodes: on?.nodes ?? status.nodes };
}

/** Tells how a workflow is at this moment. */
export function tellNow(state: KfpState, run: Run): void {
  const last = run.workflow.tries.at(-1);
  const status = last && statusAt(run.workflow, last, state.clock.now());
  run.workflow.toldMs = Number.POSITIVE_INFINITY;
  if (status) report(state, { run, manifest: manifestWith(state, run, status), atMs: serverNow(state) });
}

/** As `POST /workflows`, which only the persistence agent calls. */
export function reportFromOutside(state: KfpState, text: string): Answer {
  const manifest = JSON.parse(JSON.parse(text) as string) as JsonObject;
  const metadata = isObject(manifest.metadata) ? manifest.metadata : {};
  const labels = isObject(metadata.labels) ? metadata.labels : {};
  const id = labels["pipeline/runid"];
  if (typeof id !== "string") {
    const inner = `Workflow[${metadata.name}] missing the Run ID label`;
    return failure(3, `Failed to report workflow: Invalid input error: ${inner}`, inner);
  }
  const run = state.runs.get(id);
  if (!run)
    return failure(5, `Failed to report workflow: ResourceNotFoundError: Run ${id} not found`, `Run ${id} not found`);
  report(state, { run, manifest, atMs: serverNow(state) });
  return ok({});
}

const RUN_STATES: Readonly<Record<string, RunState>> = {
  Pending: "PENDING",
  Running: "RUNNING",
  Succeeded: "SUCCEEDED",
  Failed: "FAILED",
  Error: "FAILED",
};

const TASK_STATES: Readonly<Record<string, string>> = { ...RUN_STATES, Skipped: "SKIPPED", Omitted: "SKIPPED" };

type Report = { readonly run: Run; readonly manifest: JsonObject; readonly atMs: number };

function report(state: KfpState, { run, manifest, atMs }: Report): void {
  state.revision++;
  const status = isObject(manifest.status) ? manifest.status : {};
  const metadata = isObject(manifest.metadata) ? manifest.metadata : {};
  const phase = RUN_STATES[String(status.phase)] ?? "PENDING";
  const wasTerminated = run.state === "CANCELING";
  const next =
    wasTerminated && (phase === "RUNNING" || phase === "PENDING") ? "CANCELING" : endState(state, phase, wasTerminated);
  if (next !== run.state) run.history.push({ atMs, state: next });
  run.state = next;
  run.finishedMs = typeof status.finishedAt === "string" ? Date.parse(status.finishedAt) : undefined;
  run.reported = manifest;
  const createMs = Date.parse(String(metadata.creationTimestamp));
  // what is kept elsewhere is not told to the server either
  const nodes = isObject(status.nodes) && !state.switches.has("nodes-offloaded") ? status.nodes : {};
  for (const [id, node] of Object.entries(nodes))
    if (isObject(node)) reportNode(state, run, { id, node, createMs, atMs });
}

/** By the code every workflow that was ended by its deadline is FAILED; newer servers may say CANCELED. */
function endState(state: KfpState, phase: RunState, wasTerminated: boolean): RunState {
  if (!wasTerminated || phase === "SUCCEEDED") return phase;
  return state.switches.has("terminated-is-failed") ? "FAILED" : "CANCELED";
}

type NodeReport = { readonly id: string; readonly node: JsonObject; readonly createMs: number; readonly atMs: number };

function reportNode(state: KfpState, run: Run, { id, node, createMs, atMs }: NodeReport): void {
  const known = run.tasks.get(id);
  const task = known ?? {
    id: state.newId("task"),
    displayName: "",
    createMs,
    startMs: undefined,
    endMs: undefined,
    state: "",
    history: [],
    children: [],
  };
  const next = TASK_STATES[String(node.phase)] ?? "PENDING";
  if (next !== task.state) task.history.push({ atMs, state: next });
  task.state = next;
  task.displayName = String(node.displayName);
  task.startMs = timeOf(node.startedAt);
  task.endMs = timeOf(node.finishedAt);
  task.children = Array.isArray(node.children) ? node.children.map(String) : [];
  run.tasks.set(id, task);
}

function timeOf(value: Json | undefined): number | undefined {
  return typeof value === "string" ? Date.parse(value) : undefined;
}

/** The workflow as the controller has it now. */
function manifestWith(state: KfpState, run: Run, status: WorkflowStatus): JsonObject {
  const { workflow } = run;
  const metadata = isObject(workflow.manifest.metadata) ? workflow.manifest.metadata : {};
  const labels = isObject(metadata.labels) ? metadata.labels : {};
  const isOver = status.finishedMs !== undefined;
  const spec = isObject(workflow.manifest.spec) ? workflow.manifest.spec : {};
  const isTerminated = workflow.tries.at(-1)?.terminatedMs !== undefined;
  return {
    ...workflow.manifest,
    // how a run is ended: by a deadline that has passed
    spec: isTerminated ? { ...spec, activeDeadlineSeconds: 0 } : spec,
    metadata: {
      ...metadata,
      uid: workflow.uid,
      creationTimestamp: timeText(workflow.createdMs + state.skewMs),
      labels: {
        ...labels,
        "workflows.argoproj.io/phase": status.phase,
        ...(isOver ? { "workflows.argoproj.io/completed": "true" } : {}),
      },
    },
    status: {
      phase: status.phase,
      startedAt: timeText(status.startedMs + state.skewMs),
      finishedAt: status.finishedMs === undefined ? null : timeText(status.finishedMs + state.skewMs),
      progress: status.progress,
      ...(status.message === undefined ? {} : { message: status.message }),
      nodes: Object.fromEntries(status.nodes.map((node) => [node.id, node as Json])),
      conditions: [{ type: "Completed", status: isOver ? "True" : "False" }],
    },
  };
}

/** The reported workflow as `GET /apis/v1beta1/runs/{id}` has it: nodes plain, compressed, or kept elsewhere. */
export function workflowText(state: KfpState, run: Run): string | undefined {
  if (run.reported === undefined) return undefined;
  const status = isObject(run.reported.status) ? run.reported.status : {};
  const { nodes, ...rest } = status;
  if (state.switches.has("nodes-offloaded"))
    return JSON.stringify({ ...run.reported, status: { ...rest, offloadNodeStatusVersion: "fnv:3452435678" } });
  if (!state.switches.has("nodes-compressed")) return JSON.stringify(run.reported);
  const compressedNodes = gzipSync(JSON.stringify(nodes ?? {})).toString("base64");
  return JSON.stringify({ ...run.reported, status: { ...rest, compressedNodes } });
}

/** Before anything has been reported. */
export function newManifest(one: {
  readonly name: string;
  readonly namespace: string;
  readonly runId: string;
  readonly runName: string;
  readonly serviceAccount: string;
}): JsonObject {
  const labels = { "pipeline/runid": one.runId };
  return {
    kind: "Workflow",
    apiVersion: "argoproj.io/v1alpha1",
    metadata: {
      name: one.name,
      namespace: one.namespace,
      labels,
      annotations: { "pipelines.kubeflow.org/run_name": one.runName },
    },
    spec: {
      templates: [
        {
          name: "system-container-driver",
          container: { name: "", image: "ghcr.io/kubeflow/kfp-driver:2.17.0", command: ["driver"] },
        },
        {
          name: "system-container-executor",
          dag: { tasks: [{ name: "executor", template: "system-container-impl" }] },
        },
        {
          name: "system-container-impl",
          container: { name: "", image: "gcr.io/ml-pipeline/should-be-overridden-during-runtime" },
          podSpecPatch: "{{inputs.parameters.pod-spec-patch}}",
        },
        {
          name: "system-dag-driver",
          container: { name: "", image: "ghcr.io/kubeflow/kfp-driver:2.17.0", command: ["driver"] },
        },
      ],
      entrypoint: "entrypoint",
      serviceAccountName: one.serviceAccount,
      podMetadata: {
        annotations: { "pipelines.kubeflow.org/v2_component": "true" },
        labels: { ...labels, "pipelines.kubeflow.org/v2_component": "true" },
      },
    },
    status: { startedAt: null, finishedAt: null },
  };
}

const manifests = new WeakMap<JsonObject, string>();

/** A package's spec as the server prints it back. */
export function specText(spec: JsonObject): string {
  const known = manifests.get(spec) ?? stringify(spec);
  manifests.set(spec, known);
  return known;
}

/** Pods of tasks that run or wait to run at this moment: what costs money, whatever the table of runs says. */
export function livePods(state: KfpState, workflow: Workflow): readonly Node[] {
  const now = state.clock.now();
  const last = workflow.tries.at(-1);
  if (last === undefined) return [];
  const survives = state.switches.has("pods-survive-terminate");
  const seen = survives ? { ...last, terminatedMs: undefined } : last;
  const nodes = statusAt(workflow, seen, now)?.nodes ?? [];
  return nodes.filter(
    (node) => node.templateName === "system-container-impl" && (node.phase === "Running" || node.phase === "Pending"),
  );
}

/** Whether the workflow would go on by itself. */
export function isLive(state: KfpState, workflow: Workflow): boolean {
  const last = workflow.tries.at(-1);
  if (last === undefined) return true;
  const now = state.clock.now();
  return last.terminatedMs === undefined ? now < courseOf(last).endMs : livePods(state, workflow).length > 0;
}
