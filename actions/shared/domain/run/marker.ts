import * as v from "valibot";
import type { Json } from "../canonical.ts";
import { parseJson } from "../parse-json.ts";
import type { RunArtifact, RunTask } from "./task.ts";

/**
 * A task brings its metrics home by printing one line: the marker, a blank, and one JSON object of metric names and numbers, with the names
 * that a `system.Metrics` output would have.
 *
 *     ml-release-metrics {"accuracy": 0.961, "recall[class=3]": 0.94, "n[class=3]": 33}
 *
 * Whatever a logger puts before the marker (a time, a level) does not matter. Of several lines the later ones win, name by name.
 */
export const MARKER = "ml-release-metrics";

/** The output under which marked metrics appear. */
const MARKED_OUTPUT = "log-metrics";

/** Longer lines are no metrics, and a log that has more names than this was not written by a person. */
const LONGEST_LINE = 64 * 1024;
const MOST_NAMES = 1_000;
const LONGEST_NAME = 200;
const MOST_FAULTS = 1_000;
const FAULTS_SHOWN = 3;

/** JSON has no NaN: those are written as words. */
const ValuesSchema = v.record(
  v.pipe(v.string(), v.minLength(1), v.maxLength(LONGEST_NAME)),
  v.union([v.pipe(v.number(), v.finite()), v.boolean(), v.picklist(["NaN", "Infinity", "-Infinity"])]),
);

export type Marked = {
  readonly metrics: Readonly<Record<string, Json>>;
  /** What looks like a marker line and is none, in sentences. */
  readonly faults: readonly string[];
};

/** The metrics that a task's log holds. Logs are what a program of anybody printed: nothing in them makes this throw or grow without end. */
export function markedMetrics(log: string): Marked {
  const metrics = new Map<string, Json>();
  const faults: string[] = [];
  for (const line of markerLines(log)) {
    const read = parseMarker(line);
    if (read.state === "bad") faults.push(read.fault);
    else for (const [name, value] of Object.entries(read.values)) metrics.set(name, value);
    if (metrics.size > MOST_NAMES)
      return { metrics: {}, faults: [`more than ${MOST_NAMES} metric names: none was taken`] };
    if (faults.length >= MOST_FAULTS) break;
  }
  return { metrics: Object.fromEntries(metrics), faults: shown(faults) };
}

function shown(faults: readonly string[]): readonly string[] {
  const end = faults.length < MOST_FAULTS ? "" : ": what comes after them was not read";
  const more = faults.length > FAULTS_SHOWN ? [`${faults.length} broken marker lines${end}`] : [];
  return [...faults.slice(0, FAULTS_SHOWN), ...more];
}

/** What stands behind the first marker of each line. */
function* markerLines(log: string): Iterable<string> {
  for (let at = log.indexOf(MARKER); at >= 0; ) {
    const start = at + MARKER.length;
    const isMarker = (at === 0 || /\s/.test(log[at - 1] ?? "")) && /^[ \t]+\{/.test(log.slice(start, start + 16));
    const newline = isMarker ? log.indexOf("\n", start) : start;
    const end = newline < 0 ? log.length : newline;
    if (isMarker) yield log.slice(start, end).trim();
    at = log.indexOf(MARKER, end);
  }
}

type Read =
  | { readonly state: "ok"; readonly values: Readonly<Record<string, Json>> }
  | { readonly state: "bad"; readonly fault: string };

function parseMarker(text: string): Read {
  if (text.length > LONGEST_LINE)
    return { state: "bad", fault: `a marker line has ${text.length} characters, ${LONGEST_LINE} are allowed` };
  const read = v.safeParse(ValuesSchema, parseJson(text));
  if (read.success) return { state: "ok", values: read.output };
  const [issue] = read.issues;
  const key = issue.path?.map((item) => String(item.key)).join(".");
  const what = key === undefined ? "is no JSON object" : `has no number as ${key}`;
  return { state: "bad", fault: `a marker line ${what}: ${text.slice(0, 100)}` };
}

/** The task with what it marked in its log as one more output; a name that another output has too is taken from the log. */
export function withMarked(task: RunTask, metrics: Marked["metrics"], uri: string): RunTask {
  if (Object.keys(metrics).length === 0) return task;
  const others = Object.entries(task.outputs.artifacts).map(
    ([output, artifacts]) => [output, artifacts.map((artifact) => without(artifact, metrics))] as const,
  );
  const marked: RunArtifact = { type: "system.Metrics", uri, metadata: metrics };
  const artifacts = { ...Object.fromEntries(others), [MARKED_OUTPUT]: [marked] };
  return { ...task, outputs: { ...task.outputs, artifacts } };
}

function without(artifact: RunArtifact, metrics: Marked["metrics"]): RunArtifact {
  if (artifact.type !== "system.Metrics") return artifact;
  const rest = Object.entries(artifact.metadata).filter(([name]) => !Object.hasOwn(metrics, name));
  return { ...artifact, metadata: Object.fromEntries(rest) };
}
