import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { canonicalJson, type Json } from "../../../actions/shared/domain/canonical.ts";
import type { Parameters } from "../../../actions/shared/domain/pipeline/parameters.ts";
import { readPackage } from "../../../actions/shared/domain/pipeline/read-package.ts";
import { isOver, type RunTask } from "../../../actions/shared/domain/run/task.ts";
import { sha256 } from "../../../actions/shared/lib/hash.ts";
import type { PipelineEngine, RunRequest } from "../../../actions/shared/ports/pipeline-engine.ts";
import { type MetadataStore, writeRun } from "../../support/mlmd.ts";
import type { JsonObject } from "./answer.ts";
import { type Course, type Leg, setCourse, type TaskCourse } from "./course.ts";
import { isObject } from "./proto-json.ts";
import type { Cluster, KfpState, Run, Try } from "./state.ts";
import { tellNow } from "./workflows.ts";

type LocalCluster = {
  /** Runs the packages. */
  readonly engine: PipelineEngine;
  /** Where executions, artifacts and events are written, as KFP's driver and launcher would. */
  readonly metadata?: MetadataStore;
  /** Where the launcher takes what tasks have left; else it stays on this machine. */
  readonly keep?: (tasks: readonly RunTask[], runId: string) => Promise<readonly RunTask[]>;
};

const LOOK_MS = 100;

/** A cluster that really runs what is uploaded, on this machine, and tells the server of it as Argo and the persistence agent would. */
export function localCluster({ engine, metadata, keep }: LocalCluster): (state: KfpState) => Cluster {
  return (state) => {
    const stop = new AbortController();
    const following = new Set<Promise<void>>();
    const ended = new Map<string, number>();

    async function follow(run: Run, number: number): Promise<void> {
      const fromMs = state.clock.now();
      const tell = (tasks: readonly RunTask[], isDone: boolean): void => {
        const terminatedMs = ended.get(run.id);
        const one: Try = { number, fromMs, schedule: { tasks: [] }, kept: [], terminatedMs };
        setCourse(one, courseOfTasks(tasks, { fromMs, nowMs: state.clock.now(), isDone }));
        run.workflow.tries.splice(0, run.workflow.tries.length, one);
        tellNow(state, run);
      };
      let url: string | undefined;
      await engine.submit(requestOf(run));
      for (;;) {
        const status = await engine.state(run.id);
        if (status !== undefined && isOver(status.state)) {
          url = status.url;
          break;
        }
        if (stop.signal.aborted) return;
        tell(status === undefined ? [] : located(status), false);
        await pause(LOOK_MS);
      }
      const { tasks: left } = await engine.results(run.id);
      const tasks = (await keep?.(left, run.id)) ?? left;
      // what an earlier try has finished is of this run: nothing was taken over from another
      const own = number === 1 ? tasks : tasks.map((task) => ({ ...task, cached: false }));
      if (metadata) await write(metadata, run, own);
      state.results.set(run.id, tasks);
      tell(located({ tasks, url }), true);
    }

    const begin = (run: Run, number: number): void => {
      ended.delete(run.id);
      const done = follow(run, number).catch((error: unknown) => {
        if (!stop.signal.aborted) state.broken.push(error);
      });
      following.add(done);
    };

    return {
      start: (run) => begin(run, 1),
      retry: (run) => begin(run, (run.workflow.tries.at(-1)?.number ?? 0) + 1),
      terminate: (run) => {
        ended.set(run.id, state.clock.now());
        following.add(engine.cancel(run.id).then(() => {}));
      },
      close: async () => {
        stop.abort();
        await Promise.all([...state.runs.keys()].map((id) => engine.cancel(id)));
        await Promise.all(following);
      },
    };
  };
}

/** The tasks with their logs where they lie: the local engine names them within the run's folder. */
function located({
  tasks,
  url,
}: {
  readonly tasks: readonly RunTask[];
  readonly url?: string | undefined;
}): readonly RunTask[] {
  return tasks.map((task) =>
    task.log === undefined || url === undefined ? task : { ...task, log: join(fileURLToPath(url), task.log) },
  );
}

function requestOf(run: Run): RunRequest {
  const documents = documentsOf(run.spec);
  const read = readPackage(documents);
  if (read.state === "bad") throw new Error(JSON.stringify(read.faults));
  const given = isObject(run.runtimeConfig.parameters) ? run.runtimeConfig.parameters : {};
  const declared = Object.entries(read.package.spec.root.inputDefinitions.parameters);
  const defaults = declared.flatMap(([name, one]) =>
    one.defaultValue === undefined ? [] : [[name, one.defaultValue]],
  );
  return {
    runId: run.id,
    attempt: 1,
    work: {
      kind: "pipeline",
      name: run.displayName,
      version: "v1",
      package: read.package,
      text: documents.map((one) => stringify(one)).join("---\n"),
      digest: sha256(canonicalJson([...documents])),
    },
    parameters: { ...Object.fromEntries(defaults), ...given } as Parameters,
    origin: {
      releaseId: "v1",
      source: {
        repository: "acme/digits",
        commit: "a".repeat(40),
        ref: "refs/tags/v1",
        event: "push",
        actor: "octocat",
      },
    },
  };
}

function documentsOf(spec: JsonObject): readonly Json[] {
  const { pipeline_spec: first, platform_spec: second } = spec;
  return isObject(first) ? [first, second as Json] : [spec];
}

async function write(metadata: MetadataStore, run: Run, tasks: readonly RunTask[]): Promise<void> {
  const [first] = documentsOf(run.spec);
  const info = isObject(first) && isObject(first.pipelineInfo) ? first.pipelineInfo : {};
  const given = isObject(run.runtimeConfig.parameters) ? run.runtimeConfig.parameters : {};
  await writeRun(metadata, {
    runId: run.id,
    pipeline: String(info.name),
    namespace: run.namespace,
    parameters: given as Readonly<Record<string, Json>>,
    tasks: tasks.filter(({ state: is }) => is !== "pending"),
  });
}

type Span = { readonly fromMs: number; readonly nowMs: number; readonly isDone: boolean };

/** What a local engine tells of its tasks, as the story of a workflow. */
function courseOfTasks(tasks: readonly RunTask[], { fromMs, nowMs, isDone }: Span): Course {
  const told = tasks.filter(({ state }) => state !== "pending").map((task) => taskCourse(task, fromMs));
  const endMs = isDone ? nowMs : Number.POSITIVE_INFINITY;
  return { upMs: fromMs, rootDriverEndMs: fromMs, endMs, tasks: told };
}

const OUTCOMES = {
  succeeded: "Succeeded",
  failed: "Failed",
  cancelled: "Failed",
  skipped: "Omitted",
  running: "Succeeded",
  pending: "Succeeded",
} as const;

function taskCourse(task: RunTask, fromMs: number): TaskCourse {
  const startMs = task.startedAtMs ?? fromMs;
  const isOpen = task.state === "running";
  const endMs = isOpen ? Number.POSITIVE_INFINITY : startMs + (task.seconds ?? 0) * 1_000;
  const names = task.path.split("/").slice(0, -1);
  const within = names.flatMap((name) => {
    const [, loop, iteration] = /^(.*)-iteration-(\d+)$/.exec(name) ?? [];
    return loop === undefined ? [name] : [loop, `iteration-${iteration}`];
  });
  const outcome = OUTCOMES[task.state];
  const executor: Leg = {
    fromMs: startMs,
    endMs,
    outcome: outcome === "Failed" ? "Failed" : "Succeeded",
    message: outcome === "Failed" ? `main: Error (exit code ${task.exitCode ?? 1})` : undefined,
    stretches: [{ fromMs: startMs, phase: "Running" }],
  };
  const driver: Leg = {
    fromMs: startMs,
    endMs: startMs,
    outcome: "Succeeded",
    message: undefined,
    stretches: [{ fromMs: startMs, phase: "Running" }],
  };
  const log = logOf(task);
  return {
    task: { name: task.task, within, cached: task.cached, ...(log === undefined ? {} : { log }) },
    path: [...within, task.task].join("/"),
    driver: outcome === "Omitted" ? undefined : driver,
    executor: outcome === "Omitted" || task.cached ? undefined : executor,
    startMs,
    endMs,
    outcome,
  };
}

function logOf({ log, state }: RunTask): string | undefined {
  if (log === undefined || state === "running") return undefined;
  try {
    return readFileSync(log, "utf8");
  } catch {
    return undefined;
  }
}
