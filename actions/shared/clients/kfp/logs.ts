import * as v from "valibot";
import { logTail } from "../../domain/run/log-tail.ts";
import { isReleaseError } from "../../lib/error.ts";
import type { Connection } from "./connection.ts";

/** The end of a pod's output, and where the whole of it is. */
export type PodLog = { readonly text: string; readonly place: string };

/** A log over this is not read: the server gives it whole or not at all. */
const LARGEST = 128 * 1024 * 1024;
const TIMEOUT_MS = 60_000;
/** What of its end is looked at: the wrappers' last words are short. */
const LARGEST_TAIL = 128 * 1024;

/**
 * What a pod printed: from the pod, or from the archive that Argo keeps of it; undefined where neither has it any more, or not for us. A
 * pod's log is gone an hour after the run's end, so whoever wants it asks at once.
 */
export async function readPodLog(connection: Connection, runId: string, pod: string): Promise<PodLog | undefined> {
  return (await fromPod(connection, runId, pod)) ?? (await fromArchive(connection, runId, pod));
}

async function fromPod(connection: Connection, runId: string, pod: string): Promise<PodLog | undefined> {
  const path = `/apis/v1alpha1/runs/${runId}/nodes/${encodeURIComponent(pod)}/log`;
  const text = await readText(connection, path);
  if (text === undefined) return undefined;
  const own = withoutRefusal(text);
  return own.trim() === "" ? undefined : { text: own, place: `${connection.base}${path}` };
}

const RefusalSchema = v.pipe(v.string(), v.parseJson(), v.looseObject({ error_message: v.string() }));

/** What goes wrong on the way comes after the status 200, as the last words. The program may have printed the like before. */
function withoutRefusal(text: string): string {
  const at = text.lastIndexOf('{"error_message":');
  return at !== -1 && v.is(RefusalSchema, text.slice(at)) ? text.slice(0, at) : text;
}

const ArchiveSchema = v.pipe(v.string(), v.parseJson(), v.looseObject({ data: v.optional(v.string(), "") }));

async function fromArchive(connection: Connection, runId: string, pod: string): Promise<PodLog | undefined> {
  const path = `/apis/v2beta1/runs/${runId}/nodes/${encodeURIComponent(pod)}/artifacts/main-logs:read`;
  const body = await readText(connection, path);
  const read = v.safeParse(ArchiveSchema, body ?? "");
  if (!read.success || read.output.data === "") return undefined;
  return { text: Buffer.from(read.output.data, "base64").toString("utf8"), place: `${connection.base}${path}` };
}

async function readText(connection: Connection, path: string): Promise<string | undefined> {
  try {
    const answer = await connection.call({ path, attempts: 1, timeoutMs: TIMEOUT_MS, maxBytes: LARGEST });
    return answer.state === "ok" ? answer.http.text() : undefined;
  } catch (error) {
    // a log is never worth a run
    if (isReleaseError(error)) return undefined;
    throw error;
  }
}

/** The last lines, without what Argo's and KFP's own wrappers say around the program. */
export function tailOf(text: string): string {
  const own = text
    .slice(-LARGEST_TAIL)
    .split("\n")
    .filter((line) => !/^(time="[^"]+" level=\w+ msg=|[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \w+\.go:\d+\] )/.test(line));
  return logTail(own.join("\n"));
}
