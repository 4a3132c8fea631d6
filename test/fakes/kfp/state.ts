import type { RunTask } from "../../../actions/shared/domain/run/task.ts";
import type { Clock } from "../../../actions/shared/ports/clock.ts";
import type { JsonObject } from "./answer.ts";
import type { Schedule } from "./schedule.ts";
import type { SwitchName } from "./switches.ts";

export type Tags = Readonly<Record<string, string>>;

export type Pipeline = {
  readonly id: string;
  readonly name: string;
  displayName: string;
  readonly description: string;
  readonly namespace: string;
  readonly createdMs: number;
  tags: Tags;
};

export type PipelineVersion = {
  readonly id: string;
  readonly pipelineId: string;
  readonly name: string;
  displayName: string;
  readonly description: string;
  readonly createdMs: number;
  /** The first document, or both as `pipeline_spec` and `platform_spec`. */
  readonly spec: JsonObject;
  tags: Tags;
};

export type Experiment = {
  readonly id: string;
  readonly displayName: string;
  readonly description: string;
  readonly namespace: string;
  readonly createdMs: number;
  storageState: "AVAILABLE" | "ARCHIVED";
  lastRunMs: number;
};

export type RunState = "PENDING" | "RUNNING" | "SUCCEEDED" | "SKIPPED" | "FAILED" | "CANCELING" | "CANCELED";

export type StateChange = { readonly atMs: number; readonly state: string };

export type TaskDetail = {
  readonly id: string;
  displayName: string;
  createMs: number;
  startMs: number | undefined;
  endMs: number | undefined;
  state: string;
  readonly history: StateChange[];
  children: readonly string[];
};

export type Run = {
  readonly id: string;
  readonly experimentId: string;
  readonly displayName: string;
  readonly description: string;
  readonly namespace: string;
  readonly version: { readonly pipelineId: string; readonly versionId: string; readonly named: string } | undefined;
  /** What it runs. */
  readonly spec: JsonObject;
  readonly runtimeConfig: JsonObject;
  readonly serviceAccount: string;
  readonly createdMs: number;
  readonly workflow: Workflow;
  storageState: "AVAILABLE" | "ARCHIVED";
  state: RunState;
  finishedMs: number | undefined;
  readonly history: StateChange[];
  /** By the node's id. */
  readonly tasks: Map<string, TaskDetail>;
  /** As the persistence agent last told it. */
  reported: JsonObject | undefined;
};

/** One Argo workflow: what really runs in the cluster, whatever the table of runs says. */
export type Workflow = {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  readonly runId: string;
  /** As it was created. */
  readonly manifest: JsonObject;
  readonly createdMs: number;
  /** One for the first try and one for every `:retry`; none where reports come from outside. */
  readonly tries: Try[];
  /** Until when its course has been told to the server. */
  toldMs: number;
};

export type Try = {
  readonly number: number;
  readonly fromMs: number;
  readonly schedule: Schedule;
  /** Tasks that an earlier try has finished. */
  readonly kept: readonly string[];
  terminatedMs: number | undefined;
};

export type RecurringRun = {
  readonly id: string;
  readonly createdMs: number;
  readonly body: JsonObject;
  enabled: boolean;
};

export type IdKind = "pipeline" | "version" | "experiment" | "run" | "task" | "recurring-run" | "workflow";

/** All that the server knows. */
export type KfpState = {
  readonly clock: Clock;
  readonly newId: (kind: IdKind) => string;
  readonly switches: Set<SwitchName>;
  /** Set once, when the server is made. */
  cluster: Cluster | undefined;
  readonly settings: Settings;
  readonly pipelines: Map<string, Pipeline>;
  readonly versions: Map<string, PipelineVersion>;
  readonly experiments: Map<string, Experiment>;
  readonly runs: Map<string, Run>;
  readonly recurringRuns: Map<string, RecurringRun>;
  /** Every workflow that was ever started, in order. */
  readonly workflows: Workflow[];
  /** Logs of pods by `<pod>`, for as long as they are kept. */
  readonly logs: Map<string, string>;
  /** What a run left behind, for ML Metadata and the API of 3.0. */
  readonly results: Map<string, readonly RunTask[]>;
  /** What lies in the buckets of runs, by its address (`minio://bucket/key`). */
  readonly objects: Map<string, Uint8Array>;
  /** What went wrong behind the scenes: a test that leaves one in has failed. */
  readonly broken: unknown[];
  /** The workflow controller is down: what is started now stays as it is. */
  nobodyWorks: boolean;
  /** Grows with every change: what was answered before can be answered again. */
  revision: number;
  /** Milliseconds that the server's clock is ahead of the truth. */
  skewMs: number;
};

/** What runs workflows, where that is more than a schedule. */
export type Cluster = {
  start(run: Run): void;
  retry(run: Run): void;
  terminate(run: Run): void;
  close(): Promise<void>;
};

export type Settings = {
  readonly release: "2.17" | "3.0";
  readonly multiUser: boolean;
  readonly store: "database" | "kubernetes";
  readonly namespace: string;
  /** What a run will do; undefined leaves it to reports from outside. */
  readonly scheduleOf: (wanted: ScheduleWanted) => Schedule | undefined;
};

export type ScheduleWanted = {
  readonly runId: string;
  /** 1 for the first, one more for each `:retry`. */
  readonly attempt: number;
  readonly spec: JsonObject;
  readonly parameters: JsonObject;
};

/** The server's own clock, which may be wrong. */
export function serverNow(state: KfpState): number {
  return state.clock.now() + state.skewMs;
}

/** RFC 3339 with whole seconds, as the gateway prints times. */
export function timeText(ms: number | undefined): string {
  const seconds = Math.floor((ms ?? 0) / 1_000);
  const known = texts.get(seconds) ?? `${new Date(seconds * 1_000).toISOString().slice(0, 19)}Z`;
  if (texts.size > 10_000) texts.clear();
  texts.set(seconds, known);
  return known;
}

const texts = new Map<number, string>();
