import type { PipelinePackage } from "../../domain/pipeline/package.ts";
import { isOver, type RunStatus, type RunTask } from "../../domain/run/task.ts";
import { isReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { TaskLog } from "../../ports/pipeline-engine.ts";
import { runPage } from "./endpoint.ts";
import { readPodLog, tailOf } from "./logs.ts";
import { nativeStates } from "./native-states.ts";
import { isOverState, statusOf } from "./run-status.ts";
import { getRun, type KfpRun } from "./runs.ts";
import type { Server } from "./server.ts";
import { detailsSignature } from "./task-details.ts";
import { readWorkflow, type Workflow, type WorkflowView } from "./workflow.ts";
import { workflowTasks } from "./workflow-tasks.ts";

/** While something waits, every third look is at its pods. */
const LOOKS = 3;
/** How long a server may take to notice that a run goes on. */
const STALE_MS = 60_000;
/** Of so many tasks the log is fetched at once; of the rest when results are asked for. */
const MOST_LOGS = 5;

/** A gateway that does not show workflows now is asked again. */
const PASSING_MS = 600_000;

/** What is shared by all runs of one server. */
export type WatchPorts = {
  readonly server: Server;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the workflow view is closed to us, which is told once. */
  readonly closed: { why?: string | undefined; untilMs?: number | undefined };
};

/** One run, looked at again and again. */
export type RunWatch = {
  look(): Promise<RunStatus | undefined>;
  /** Of tasks that were seen failed. */
  logOf(task: RunTask): Promise<TaskLog>;
  /** Its end was asked for; or, by `restarted`, its next try. */
  ended(): void;
  restarted(): void;
  refusedRetry(): void;
  knows(pipeline: PipelinePackage): void;
  package(): PipelinePackage | undefined;
  /** Tasks by their pods, also of a run that is over; `isFresh`: as they are now. */
  lastPods(): Promise<{ readonly tasks: readonly RunTask[]; readonly isFresh: boolean }>;
};

/**
 * Watches a run with about one call a look. What changes is seen in the run itself; its workflow, which alone tells why something waits, is
 * read when something changed, and while something waits at every third look instead of the run.
 */
export function watchRun(ports: WatchPorts, runId: string): RunWatch {
  const { server, clock } = ports;
  const logs = new Map<string, TaskLog>();
  const seenRunning = new Map<string, number>();
  const seenPending = new Set<string>();
  let pipeline: PipelinePackage | undefined;
  let last: { readonly run: KfpRun; readonly status: RunStatus } | undefined;
  let workflow: Workflow | undefined;
  let workflowIs: "known" | "absent" | "unknown" = "unknown";
  let signature: string | undefined;
  let looks = 0;
  let stale: { readonly endedAt: string | undefined; readonly untilMs: number } | undefined;
  let wasEnded = false;
  let isFinal = false;

  return {
    look,
    logOf: async (task) => {
      const kept = logs.get(task.path);
      // what could not be had at once may be there now
      return kept?.place === undefined ? await fetchLog(task) : kept;
    },
    ended: () => {
      wasEnded = true;
    },
    restarted: () => {
      stale = last === undefined ? undefined : { endedAt: last.run.finished_at, untilMs: clock.now() + STALE_MS };
      wasEnded = false;
      isFinal = false;
      last = undefined;
      signature = undefined;
      workflow = undefined;
      logs.clear();
    },
    refusedRetry: () => {
      isFinal = true;
    },
    knows: (one) => {
      pipeline = one;
    },
    package: () => pipeline,
    lastPods: async () => {
      const view = await takeWorkflow(1);
      const tasks = workflow === undefined ? [] : workflowTasks(workflow, () => undefined);
      return { tasks, isFresh: view?.state === "read" };
    },
  };

  async function look(): Promise<RunStatus | undefined> {
    looks++;
    const known = last;
    if (known !== undefined && isPodLook(known.status) && (await lookAtPods())) return settle(known.run);
    const run = await getRun(server, runId, { attempts: known === undefined ? 3 : 1 });
    if (run === undefined) return undefined;
    if (isStale(run)) return settle({ ...run, state: "RUNNING", run_details: undefined, tasks: undefined });
    if (run.state === "CANCELING") wasEnded = true;
    if (run.state === "RUNNING" && known !== undefined && isOverState(known.run.state)) wasEnded = false;
    const now = signatureOf(run);
    if (now !== signature || (isOverState(run.state) && !isOverState(known?.run.state))) {
      const view = await takeWorkflow(isOverState(run.state) ? 3 : 1);
      // what could not be read now is read at the next look
      if (view !== undefined || isClosed()) signature = now;
      else if (workflowIs === "absent") workflowIs = "unknown";
    }
    return settle(run);
  }

  /** A report of the last try may come in after the next one was asked for. */
  function isStale({ state, finished_at }: KfpRun): boolean {
    return stale !== undefined && isOverState(state) && finished_at === stale.endedAt && clock.now() < stale.untilMs;
  }

  function isPodLook(status: RunStatus): boolean {
    return !isOver(status.state) && looks % LOOKS === 0 && isWaiting(status) && !isClosed();
  }

  /** Whether the workflow's view told enough: that the run goes on. */
  async function lookAtPods(): Promise<boolean> {
    const view = await takeWorkflow(1);
    return view?.state === "read" && (view.status === "Running" || view.status === "Pending");
  }

  async function takeWorkflow(attempts: number): Promise<WorkflowView | undefined> {
    if (isClosed()) return undefined;
    try {
      const view = await readWorkflow(server, runId, { attempts });
      if (view.state === "closed") {
        // a run that was deleted says nothing about the view
        if (!view.why.includes(runId)) close(view.why, view.isPassing ? PASSING_MS : undefined);
        return view;
      }
      workflow = view.reported;
      workflowIs = view.reported === undefined ? "absent" : "known";
      noteRunning();
      return view;
    } catch (error) {
      // the run's own state does not depend on it
      if (isReleaseError(error, "UNAVAILABLE", "AUTH")) return undefined;
      if (!isReleaseError(error)) throw error;
      close(error.message);
      return undefined;
    }
  }

  function isClosed(): boolean {
    const { why, untilMs } = ports.closed;
    return why !== undefined && (untilMs === undefined || clock.now() < untilMs);
  }

  function close(why: string, forMs?: number): void {
    const { closed } = ports;
    const isKnown = closed.why === why;
    closed.why = why;
    closed.untilMs = forMs === undefined ? undefined : clock.now() + forMs;
    // what was seen before tells nothing of now
    workflow = undefined;
    workflowIs = "unknown";
    if (isKnown) return;
    ports.log.warn(
      `Why pods wait or fail cannot be told: the server does not show workflows (GET /apis/v1beta1/runs/…: ${why.slice(0, 200)})`,
    );
  }

  /** Pods that were waiting at an earlier look and are not any more. */
  function noteRunning(): void {
    for (const { id, phase } of workflow?.nodes.values() ?? []) {
      if (phase === "Pending") seenPending.add(id);
      else if (phase === "Running" && seenPending.has(id) && !seenRunning.has(id)) seenRunning.set(id, clock.now());
    }
  }

  async function settle(run: KfpRun): Promise<RunStatus> {
    const status = statusOf({
      run,
      workflow,
      workflowIs,
      nativeTasks: run.tasks === undefined ? undefined : nativeStates(run.tasks, pipeline),
      wasEnded,
      isFinal,
      package: pipeline,
      seenRunning,
      url: runPage(server.base, runId),
    });
    last = { run, status };
    const fresh = status.tasks.filter((task) => task.state === "failed" && !logs.has(task.path)).slice(0, MOST_LOGS);
    await Promise.all(fresh.map(fetchLog));
    const tasks = status.tasks.map((task) => withLog(task, logs.get(task.path)));
    last = { run, status: { ...status, tasks } };
    return last.status;
  }

  async function fetchLog(task: RunTask): Promise<TaskLog> {
    const read = task.pod === undefined ? undefined : await readPodLog(server, runId, task.pod);
    const found =
      read === undefined
        ? { task: task.path, tail: task.error ?? "" }
        : { task: task.path, tail: tailOf(read.text), place: read.place };
    logs.set(task.path, found);
    return found;
  }
}

function withLog(task: RunTask, log: TaskLog | undefined): RunTask {
  return log?.place === undefined ? task : { ...task, log: log.place };
}

function isWaiting(status: RunStatus): boolean {
  return status.wait !== undefined || status.tasks.some(({ state }) => state === "pending");
}

function signatureOf(run: KfpRun): string {
  const native = (run.tasks ?? []) as readonly { readonly task_id?: unknown; readonly state?: unknown }[];
  return `${run.state}\n${detailsSignature(run)}\n${native.map((one) => `${one?.task_id} ${one?.state}`).join("\n")}`;
}
