import type { PipelinePackage } from "../../domain/pipeline/package.ts";
import { formatProblem } from "../../domain/problem.ts";
import { type Marked, withMarked } from "../../domain/run/marker.ts";
import type { RunTask } from "../../domain/run/task.ts";
import { isReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";

export type RunToRead = {
  readonly runId: string;
  /** Where the run must belong. */
  readonly namespace?: string;
  readonly package?: PipelinePackage;
  /** What else is known of its executions: paths and pods, for reading their logs. */
  readonly tasks?: readonly RunTask[];
};

/** What a place knows of a run's executions, and in sentences what of it could not be read, and why. */
export type ReadRun = { readonly tasks: readonly RunTask[]; readonly notices: readonly string[] };

/** Undefined where the place keeps no such records, or does not know this run. */
export type ReadResults = (run: RunToRead) => Promise<ReadRun | undefined>;

/** What one task printed as metrics, and where. */
export type MarkedTask = { readonly task: RunTask; readonly metrics: Marked["metrics"]; readonly place: string };

export type ReadMarked = (
  run: RunToRead,
) => Promise<{ readonly tasks: readonly MarkedTask[]; readonly notices: readonly string[] }>;

export type ResultSources = {
  /** `logs`: metrics are what tasks marked in their logs, whatever else is known. */
  readonly metricsFrom: "auto" | "logs";
  /** The API of KFP 3.0; undefined where it is not to be asked. */
  readonly native: ReadResults | undefined;
  /** KFP 2: the ML Metadata service; undefined where it is not to be asked. */
  readonly metadata: ReadResults | undefined;
  /** Marker lines of the tasks' logs. */
  readonly marked: ReadMarked;
  readonly clock: Clock;
  /** How long a place that is not available is asked again. Default 2 minutes. */
  readonly patienceMs?: number;
};

/**
 * A run's parameters, artifacts, lineage and metrics from the first place that knows them: the API of KFP 3.0, ML Metadata, marker lines in
 * logs. What cannot be read is told in notices, never thrown: a missing metric is an error only where a gate names it.
 */
export function resultsReader(sources: ResultSources): (run: RunToRead) => Promise<ReadRun> {
  return async (run) => {
    const recorded = await recordedRun(run, sources);
    if (recorded.state === "read" && sources.metricsFrom === "auto") return recorded;
    const tasks = recorded.state === "read" ? recorded.tasks : (run.tasks ?? []);
    const marked = await attempt("the tasks' logs", () => sources.marked({ ...run, tasks }), sources);
    const notices = [...recorded.notices, ...marked.notices];
    const found = marked.state === "read" ? marked.tasks : [];
    if (recorded.state === "read") return { tasks: put(recorded.tasks, found), notices };
    const none =
      found.length > 0 ? [] : [`no place knows what run ${run.runId} produced: it has no metrics and no artifacts`];
    return { tasks: put([], found), notices: [...notices, ...none] };
  };
}

type Attempt<T> =
  | { readonly state: "read"; readonly tasks: readonly T[]; readonly notices: readonly string[] }
  | { readonly state: "unknown"; readonly notices: readonly string[] };

async function recordedRun(run: RunToRead, { native, metadata, ...rest }: ResultSources): Promise<Attempt<RunTask>> {
  const notices: string[] = [];
  for (const [place, read, whenUnknown] of [
    ["the pipelines API", native, []],
    ["ML Metadata", metadata, [`ML Metadata does not know run ${run.runId}`]],
  ] as const) {
    if (read === undefined) continue;
    const found = await attempt(place, () => read(run), rest);
    if (found.state === "read") return { ...found, notices: [...notices, ...found.notices] };
    notices.push(...(found.notices.length > 0 ? found.notices : whenUnknown));
  }
  return { state: "unknown", notices };
}

type Answer<T> = { readonly tasks: readonly T[]; readonly notices: readonly string[] };

/** One place, asked again while it is not available. */
async function attempt<T>(
  place: string,
  read: () => Promise<Answer<T> | undefined>,
  { clock, patienceMs = 120_000 }: Pick<ResultSources, "clock" | "patienceMs">,
): Promise<Attempt<T>> {
  const giveUpAt = clock.now() + patienceMs;
  for (let pauseMs = 1_000; ; pauseMs = Math.min(pauseMs * 2, 15_000)) {
    try {
      const answer = await read();
      return answer === undefined ? { state: "unknown", notices: [] } : { state: "read", ...answer };
    } catch (error) {
      if (!isReleaseError(error, "AUTH", "NOT_FOUND", "CONFLICT", "PROTOCOL", "REFUSED", "UNAVAILABLE")) throw error;
      if (error.code !== "UNAVAILABLE" || clock.now() + pauseMs > giveUpAt)
        return {
          state: "unknown",
          notices: [`${place} could not be read: ${error.problems.map(formatProblem).join("; ")}`],
        };
      await clock.sleep(pauseMs);
    }
  }
}

/** What was marked in logs, with the executions that it belongs to. */
function put(tasks: readonly RunTask[], marked: readonly MarkedTask[]): readonly RunTask[] {
  const byPath = new Map(marked.map((one) => [one.task.path, one]));
  const known = new Set(tasks.map((task) => task.path));
  return [...tasks, ...marked.map(({ task }) => task).filter((task) => !known.has(task.path))].map((task) => {
    const found = byPath.get(task.path);
    return found === undefined ? task : withMarked(task, found.metrics, found.place);
  });
}
