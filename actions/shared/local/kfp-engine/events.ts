import * as v from "valibot";
import type { Json } from "../../domain/canonical.ts";
import { iterationOf, type RunEnvironment, type RunStatus, type RunTask } from "../../domain/run/task.ts";
import { readIfSound } from "../../lib/decode.ts";

// What driver.py writes, one event a line.

const ArtifactSchema = v.object({
  type: v.string(),
  uri: v.string(),
  metadata: v.record(v.string(), v.unknown()),
});

const ValuesSchema = v.object({
  parameters: v.record(v.string(), v.unknown()),
  artifacts: v.record(v.string(), v.array(ArtifactSchema)),
});

const Who = { at: v.number(), task: v.string(), path: v.string() };

/** What machine.py tells. */
export const EnvironmentSchema = v.object({
  os: v.string(),
  architecture: v.string(),
  python: v.string(),
  cpu: v.object({ name: v.string(), count: v.number() }),
  memoryBytes: v.number(),
  gpus: v.array(
    v.object({
      name: v.string(),
      count: v.number(),
      driver: v.optional(v.string()),
      memoryBytes: v.optional(v.number()),
    }),
  ),
  packages: v.record(v.string(), v.string()),
});

const EventSchema = v.variant("event", [
  v.object({ event: v.literal("start"), at: v.number(), pid: v.number() }),
  v.object({ event: v.literal("engine"), at: v.number(), kfp: v.string(), environment: EnvironmentSchema }),
  v.object({
    event: v.literal("image"),
    at: v.number(),
    image: v.string(),
    runs: v.picklist(["container", "process"]),
    why: v.optional(v.string()),
  }),
  v.object({ event: v.literal("task-start"), ...Who }),
  v.object({
    event: v.literal("task-end"),
    ...Who,
    state: v.picklist(["succeeded", "failed", "cancelled"]),
    cached: v.boolean(),
    seconds: v.number(),
    exitCode: v.optional(v.number()),
    log: v.optional(v.string()),
    error: v.optional(v.string()),
    inputs: ValuesSchema,
    outputs: ValuesSchema,
  }),
  v.object({
    event: v.literal("end"),
    at: v.number(),
    state: v.picklist(["succeeded", "failed", "cancelled"]),
    reason: v.optional(v.string()),
    error: v.optional(v.string()),
  }),
]);

type DriverEvent = v.InferOutput<typeof EventSchema>;
type Ending = Extract<DriverEvent, { event: "end" }>;

/** What the events of one run folder come to. */
export type Told = {
  /** When the driver was first started there. */
  readonly firstAt?: number;
  readonly environment?: RunEnvironment;
  /** Of the last start: an earlier one ended, and what had finished is told again. */
  readonly tasks: ReadonlyMap<string, RunTask>;
  /** What went otherwise than it would on a cluster, in sentences. */
  readonly notices: readonly string[];
  readonly end?: Ending;
};

export const nothingTold: Told = { tasks: new Map(), notices: [] };

/** Goes on with whole lines of the file. Lines of another kind, and a line that a killed driver cut, are passed over. */
export function tell(told: Told, lines: readonly string[]): Told {
  return lines.reduce((now, line) => {
    const event = readIfSound(EventSchema, line);
    return event === undefined ? now : next(now, event);
  }, told);
}

function next(told: Told, event: DriverEvent): Told {
  switch (event.event) {
    case "start":
      return {
        firstAt: told.firstAt ?? event.at,
        tasks: new Map(),
        notices: [],
        ...(told.environment ? { environment: told.environment } : {}),
      };
    case "engine": {
      const { gpus, ...machine } = event.environment;
      return { ...told, environment: { ...machine, gpus: gpus.map(withoutAbsent), kfp: event.kfp } };
    }
    case "image":
      return event.runs === "container" ? told : { ...told, notices: [...told.notices, processNotice(event)] };
    case "task-start":
      return withTask(told, { ...who(event), state: "running", cached: false, inputs: empty, outputs: empty });
    case "task-end":
      return withTask(told, {
        ...who(event),
        startedAtMs: Math.round((event.at - event.seconds) * 1000),
        state: event.state,
        cached: event.cached,
        seconds: event.seconds,
        inputs: event.inputs as RunTask["inputs"],
        outputs: event.outputs as RunTask["outputs"],
        ...(event.exitCode === undefined ? {} : { exitCode: event.exitCode }),
        ...(event.log === undefined ? {} : { log: event.log }),
        ...(event.error === undefined ? {} : { error: event.error }),
      });
    case "end":
      return { ...told, end: event };
  }
}

function processNotice({ image, why }: { readonly image: string; readonly why?: string | undefined }): string {
  return `Tasks of ${image} ran as processes: the image cannot run Python components${why === undefined ? "" : ` (${why})`}`;
}

const empty = { parameters: {}, artifacts: {} } as const;

function who(event: { readonly at: number; readonly task: string; readonly path: string }) {
  const iteration = iterationOf(event.path);
  return {
    task: event.task,
    path: event.path,
    startedAtMs: Math.round(event.at * 1000),
    ...(iteration === undefined ? {} : { iteration }),
  };
}

function withTask(told: Told, task: RunTask): Told {
  return { ...told, tasks: new Map([...told.tasks, [task.path, task]]) };
}

/** With `exactOptionalPropertyTypes` an absent member is not one that is undefined. */
function withoutAbsent<T extends Readonly<Record<string, Json | undefined>>>(
  value: T,
): T & RunEnvironment["gpus"][number] {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T &
    RunEnvironment["gpus"][number];
}

/** The run as it stands. A driver that is gone without a last word was killed: the run is lost, and can be resumed. */
export function statusOf(told: Told, isAlive: boolean): RunStatus {
  const tasks = [...told.tasks.values()];
  const started = told.firstAt === undefined ? {} : { startedAtMs: Math.round(told.firstAt * 1000) };
  if (told.end === undefined && isAlive)
    return { state: tasks.length === 0 ? "pending" : "running", canRetry: false, tasks, ...started };
  if (told.end === undefined)
    return {
      state: "lost",
      reason: "the local engine was killed before the run ended",
      canRetry: true,
      tasks: tasks.map((task) => (task.state === "running" ? { ...task, state: "cancelled" } : task)),
      ...started,
    };
  const { state, at, error, reason } = told.end;
  const why = error ?? reason;
  return {
    state,
    canRetry: state !== "succeeded",
    tasks,
    ...started,
    finishedAtMs: Math.round(at * 1000),
    ...(why === undefined ? {} : { reason: why }),
  };
}
