import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import type { Json } from "../../../actions/shared/domain/canonical.ts";
import type { Asked, JsonObject } from "./answer.ts";
import { isObject } from "./proto-json.ts";
import type { IdKind } from "./state.ts";

/**
 * What a real server (2.17.0) was asked and answered, in order. Packages are named, not repeated: `{"$package": …}`; of an Argo workflow, which
 * is text in the answer, `$workflow` has what is compared; of a long text, `$text-from` its beginning.
 */
export type Recording = {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body?: Json;
  /** A body that is no JSON. */
  readonly text?: string;
  readonly upload?: {
    readonly field?: string;
    readonly filename?: string;
    readonly package?: string;
    readonly text?: string;
    readonly bytes?: number;
  };
  /** What the persistence agent said. */
  readonly report?: JsonObject;
  readonly answer: {
    readonly status: number;
    /** Absent where headers were not recorded. */
    readonly type?: string;
    readonly gateway?: boolean;
    readonly body?: Json;
    readonly text?: string;
  };
};

const FIXTURES = join(import.meta.dirname, "../../fixtures/kfp");

export function readRecordings(name: "database" | "on-kubernetes"): readonly Recording[] {
  const lines = readFileSync(join(FIXTURES, `${name}.jsonl`), "utf8")
    .trim()
    .split("\n");
  return lines.map((line) => JSON.parse(line) as Recording);
}

export function packageText(name: string): string {
  return readFileSync(join(FIXTURES, `${name}.yaml`), "utf8");
}

export function packageSpec(name: string): Json {
  return parseDocument(packageText(name)).toJS() as Json;
}

/** The value with named packages put back. */
export function whole(value: Json): Json {
  if (Array.isArray(value)) return value.map(whole);
  if (!isObject(value)) return value;
  if (typeof value.$package === "string") return packageSpec(value.$package);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, whole(one as Json)]));
}

export function askedOf(recording: Recording): Asked {
  const { method, path: target, upload } = recording;
  if (upload?.field !== undefined) {
    const boundary = "Xrecorded";
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${upload.field}"; filename="${upload.filename}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
    const content = upload.bytes === undefined ? contentOf(upload) : Buffer.alloc(upload.bytes, "#");
    const body = Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from(`\r\n--${boundary}--\r\n`)]);
    return { method, target, headers: { "content-type": `multipart/form-data; boundary=${boundary}` }, body };
  }
  return { method, target, headers: { "content-type": "application/json" }, body: Buffer.from(textOf(recording)) };
}

function contentOf({ package: name, text = "" }: NonNullable<Recording["upload"]>): string {
  return name === undefined ? text : packageText(name);
}

function textOf({ body, text, upload, report }: Recording): string {
  if (upload) return packageText(upload.text ?? "digits");
  if (report) return JSON.stringify(JSON.stringify(report));
  return text ?? (body === undefined ? "" : pythonJson(whole(body)));
}

/** With the blanks that the recorded client wrote: places in errors count them. */
function pythonJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, one]) => `${JSON.stringify(key)}: ${pythonJson(one as Json)}`)
    .join(", ")}}`;
}

/** Ids as the recorded server gave them, each kind in order; random where it told none. */
export function recordedIds(recordings: readonly Recording[]): (kind: IdKind) => string {
  const waiting = new Map<IdKind, string[]>();
  const seen = new Set<string>();
  const note = (kind: IdKind, id: Json | undefined): void => {
    if (typeof id !== "string" || seen.has(id)) return;
    seen.add(id);
    waiting.set(kind, [...(waiting.get(kind) ?? []), id]);
  };
  for (const { method, path, body, answer } of recordings) {
    const told = answer.body ?? {};
    if (answer.status !== 200 || !isObject(told)) continue;
    if (method === "POST" && told.pipeline_version_id === undefined) note("pipeline", told.pipeline_id);
    // an uploaded pipeline has a version that nobody is told of
    if (path.includes("/pipelines/upload?") || path.endsWith("/pipelines/upload"))
      note("version", `${told.pipeline_id}-first`);
    if (method === "POST") note("version", told.pipeline_version_id);
    note("experiment", told.experiment_id);
    if (method === "POST" && isObject(body) && body.run_id === undefined) note("run", told.run_id);
    if (method === "POST") note("recurring-run", told.recurring_run_id);
    const details = isObject(told.run_details) ? told.run_details.task_details : [];
    for (const task of Array.isArray(details) ? details : []) if (isObject(task)) note("task", task.task_id);
  }
  let others = 0;
  return (kind) => waiting.get(kind)?.shift() ?? `${kind}-${++others}`;
}
