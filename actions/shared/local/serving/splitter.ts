import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import * as v from "valibot";
import { startGroup } from "../../lib/child-group.ts";
import { decode } from "../../lib/decode.ts";
import { ReleaseError } from "../../lib/error.ts";
import { request } from "../../lib/http.ts";
import { poll } from "../../lib/poll.ts";
import type { Clock } from "../../ports/clock.ts";
import { identify, MARK, type ProcessIdentity } from "./process-identity.ts";
import type { Routes } from "./splitter-process.ts";

const DoorsSchema = v.object({ pid: v.number(), port: v.number(), controlPort: v.number() });
export type Doors = Readonly<v.InferOutput<typeof DoorsSchema>>;

const count = v.number();
const StateSchema = v.object({
  routes: v.object({ backends: v.array(v.object({ id: v.string(), port: v.number(), weight: v.number() })) }),
  counts: v.record(
    v.string(),
    v.object({ started: count, finished: count, errors: count, slow: count, rejected: count, abandoned: count }),
  ),
  unrouted: v.number(),
  lapsed: v.boolean(),
});
export type SplitterState = Readonly<v.InferOutput<typeof StateSchema>>;

export type SplitterPlace = {
  /** Holds the token, the address and the log; nobody else may read it. */
  readonly folder: string;
  /** Names this splitter's files and marks its process. */
  readonly id: string;
};

export type SplitterStart = SplitterPlace & {
  /** 0: any that is free. */
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
  /** It outlives the job. */
  readonly keep: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

/** Lies beside this module where the sources run, and beside the bundle. */
const PROCESS = join(
  import.meta.dirname,
  basename(import.meta.filename).endsWith(".ts") ? "splitter-process.ts" : "splitter-process.js",
);

/** Starts a splitter and waits until both its doors are open. Throws `COMMAND` where it ends at once. */
export async function startSplitter(start: SplitterStart): Promise<Doors & { readonly process: ProcessIdentity }> {
  const { folder, id, port, env, keep, clock, signal } = start;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(tokenFile(start), randomBytes(32).toString("hex"), { mode: 0o600 });
  const log = join(folder, `${id}.log`);
  const group = await startGroup(process.execPath, [PROCESS, folder, id, String(port)], {
    cwd: folder,
    env: { ...env, [MARK]: id },
    output: { file: log },
  });
  if (keep) group.release();
  const failure = group.exited.then(() => "ended" as const);
  const doors = await poll({
    clock,
    signal,
    delayMs: 20,
    look: async () => {
      const found = await readDoors(start);
      if (found !== undefined) return found;
      if ((await Promise.race([failure, clock.sleep(0)])) === "ended") throw await notStarted(log);
      return undefined;
    },
    deadline: {
      ms: 20_000,
      problem: () => ({ rule: "the splitter did not open its doors in time", where: { file: log } }),
    },
  });
  const identity = await identify(group.pid);
  if (identity === undefined) throw await notStarted(log);
  return { ...doors, process: identity };
}

/** The splitter's address, as it wrote it itself. */
async function readDoors(place: SplitterPlace): Promise<Doors | undefined> {
  const text = await readFile(join(place.folder, `${place.id}.json`), "utf8").catch(() => undefined);
  return text === undefined ? undefined : decode(DoorsSchema, JSON.parse(text), "the splitter's address");
}

/** Sets all weights at once; in force for the next request when this resolves. */
export async function setRoutes(place: SplitterPlace, routes: Routes, signal?: AbortSignal): Promise<SplitterState> {
  return steer(place, { method: "PUT", path: "/routes", body: JSON.stringify(routes) }, signal);
}

export async function readSplitter(place: SplitterPlace, signal?: AbortSignal): Promise<SplitterState> {
  return steer(place, { method: "GET", path: "/state" }, signal);
}

export async function removeSplitterFiles({ folder, id }: SplitterPlace): Promise<void> {
  await Promise.all(["json", "token", "tmp"].map((end) => rm(join(folder, `${id}.${end}`), { force: true })));
}

type Order = { readonly method: "GET" | "PUT"; readonly path: string; readonly body?: string };

async function steer(place: SplitterPlace, order: Order, signal: AbortSignal | undefined): Promise<SplitterState> {
  const doors = await readDoors(place);
  if (doors === undefined)
    throw new ReleaseError("NOT_FOUND", { rule: "the splitter has no address", where: { file: place.folder } });
  const token = await readFile(tokenFile(place), "utf8");
  const answer = await request({
    service: "the splitter",
    method: order.method,
    url: `http://127.0.0.1:${doors.controlPort}${order.path}`,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(order.body === undefined ? {} : { body: order.body }),
    timeoutMs: 2_000,
    attempts: 2,
    ...(signal === undefined ? {} : { signal }),
  });
  return decode(StateSchema, answer.json(), "the splitter's state");
}

async function notStarted(log: string): Promise<ReleaseError> {
  const text = await readFile(log, "utf8").catch(() => "");
  return new ReleaseError("COMMAND", {
    rule: "the splitter did not start",
    where: { file: log },
    saw: text.slice(-1_000),
  });
}

function tokenFile({ folder, id }: SplitterPlace): string {
  return join(folder, `${id}.token`);
}
