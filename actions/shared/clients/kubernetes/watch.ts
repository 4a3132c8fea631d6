import * as v from "valibot";
import type { KubeObject } from "../../domain/manifest/object.ts";
import { textAt } from "../../domain/manifest/object.ts";
import { readIfSound } from "../../lib/decode.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { KubeConnection } from "./connection.ts";
import { addressOf, listObjects, type ResourceType, type Selection, serviceOf } from "./objects.ts";
import { readStatus } from "./status.ts";

/** `listed`: everything as it is, at the start and wherever changes may have been missed. */
export type Heard =
  | { readonly state: "listed"; readonly items: readonly KubeObject[] }
  | { readonly state: "changed" | "deleted"; readonly object: KubeObject };

export type WatchOptions = {
  readonly type: ResourceType;
  readonly selection: Selection;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly heard: (news: Heard) => void;
  /** Told when it begins to listen and when it no longer does. */
  readonly listening?: (isListening: boolean) => void;
};

/** The server ends a watch by itself after this; a connection that died silently lasts a little longer. */
const WATCH_SECONDS = 300;
/** A server answers a watch at once. One that is starting may take the connection and never answer. */
const HEAD_MS = 10_000;
/** A silent server sends a bookmark every minute: after so long without a word nobody is there any more. */
const SILENCE_MS = 150_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;
/** A line of the stream is one object; etcd holds 1.5 MiB, and JSON is larger than what it holds. */
const LONGEST_LINE = 16 * 1024 * 1024;

const EventSchema = v.looseObject({
  type: v.picklist(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]),
  object: v.custom<KubeObject>((value) => typeof value === "object" && value !== null),
});

/**
 * Tells every change of the selected objects until the signal is aborted: lists, watches from there, and watches on from the last version
 * when a stream ends or is cut. A version that the server no longer keeps (410, as a status or as an event in the stream) is listed anew.
 * Resolves with `forbidden` where the account may not list or watch; never rejects.
 */
export async function watchObjects(
  connection: KubeConnection,
  options: WatchOptions,
): Promise<"forbidden" | "stopped"> {
  const { clock, signal, listening } = options;
  let version: string | undefined;
  let hasHeard = false;
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    try {
      version ??= await list(connection, options);
      const stream = await watchOnce(connection, options, version);
      hasHeard = true;
      if (stream.gotAnything) pauseMs = FIRST_PAUSE_MS;
      version = stream.version;
    } catch (error) {
      // a server that starts says for a moment that it knows nobody: what was allowed once is asked for again
      if (!signal.aborted && !hasHeard && isReleaseError(error, "AUTH", "NOT_FOUND")) return "forbidden";
    }
    listening?.(false);
    await clock.sleep(pauseMs, signal).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
  return "stopped";
}

async function list(connection: KubeConnection, { type, selection, heard }: WatchOptions): Promise<string> {
  const listed = await listObjects(connection, type, selection);
  if (listed === undefined) throw new ReleaseError("NOT_FOUND", { rule: `the cluster does not have ${type.plural}` });
  heard({ state: "listed", items: listed.items });
  return listed.resourceVersion;
}

type Stream = {
  /** Where the next watch goes on; undefined where everything must be listed again. */
  readonly version: string | undefined;
  readonly gotAnything: boolean;
};

async function watchOnce(connection: KubeConnection, options: WatchOptions, from: string): Promise<Stream> {
  const dog = watchdog(HEAD_MS);
  try {
    const answer = await connection.stream({
      service: serviceOf(connection),
      url: watchAddress(connection, options, from),
      headers: { accept: "application/json" },
      signal: AbortSignal.any([options.signal, dog.signal]),
      okStatus: [200, 410],
      attempts: 1,
      timeoutMs: (WATCH_SECONDS + 30) * 1_000,
    });
    if (answer.status === 410) return { version: undefined, gotAnything: false };
    dog.restart(SILENCE_MS);
    options.listening?.(true);
    return await hear(answer.body, options, { from, heard: () => dog.restart(SILENCE_MS) });
  } finally {
    dog.stop();
  }
}

function watchAddress(connection: KubeConnection, { type, selection }: WatchOptions, from: string): URL {
  const url = addressOf(connection, type);
  url.searchParams.set("watch", "1");
  url.searchParams.set("allowWatchBookmarks", "true");
  url.searchParams.set("resourceVersion", from);
  url.searchParams.set("timeoutSeconds", String(WATCH_SECONDS));
  if (selection.labels !== undefined) url.searchParams.set("labelSelector", selection.labels);
  if (selection.fields !== undefined) url.searchParams.set("fieldSelector", selection.fields);
  return url;
}

/** Tells what a stream says until it ends, is cut, or says that it cannot go on. */
async function hear(
  body: AsyncIterable<Uint8Array>,
  { signal, heard }: WatchOptions,
  stream: { readonly from: string; readonly heard: () => void },
): Promise<Stream> {
  let version = stream.from;
  let gotAnything = false;
  try {
    for await (const line of linesOf(body)) {
      stream.heard();
      // a line that is none was cut in the middle
      const event = readIfSound(EventSchema, line);
      if (event === undefined) return { version, gotAnything };
      if (event.type === "ERROR") return { version: isGone(event.object) ? undefined : version, gotAnything };
      gotAnything = true;
      version = textAt(event.object, ["metadata", "resourceVersion"]) ?? version;
      if (event.type === "BOOKMARK") continue;
      heard({ state: event.type === "DELETED" ? "deleted" : "changed", object: event.object });
    }
  } catch (error) {
    // a cut stream: what it told is known, and the next one goes on from there
    if (signal.aborted) throw error;
  }
  return { version, gotAnything };
}

type Watchdog = { readonly signal: AbortSignal; restart(ms: number): void; stop(): void };

/** Aborts its signal unless it is restarted in time. */
function watchdog(ms: number): Watchdog {
  const controller = new AbortController();
  let timer = setTimeout(() => controller.abort(), ms);
  const stop = () => clearTimeout(timer);
  return {
    signal: controller.signal,
    stop,
    restart: (again) => {
      stop();
      timer = setTimeout(() => controller.abort(), again);
    },
  };
}

/** The server no longer keeps the version that we know. */
function isGone(object: KubeObject): boolean {
  const status = readStatus(object);
  return status?.code === 410 || status?.reason === "Expired" || status?.reason === "Gone";
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest: string[] = [];
  let length = 0;
  for await (const chunk of body) {
    const [first = "", ...more] = decoder.decode(chunk, { stream: true }).split("\n");
    rest.push(first);
    length += first.length;
    for (const next of more) {
      const line = rest.join("");
      if (line.trim() !== "") yield line;
      rest = [next];
      length = next.length;
    }
    if (length > LONGEST_LINE)
      throw new ReleaseError("PROTOCOL", { rule: "an event of a watch must end", saw: `${length} characters` });
  }
}
