import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { readIfSound } from "../../lib/decode.ts";
import { parseProcessStat } from "../../lib/process-stat.ts";
import { nothingTold, type Told, tell } from "./events.ts";

/** The files of one run, as driver.py knows them. */
export function runFiles(folder: string) {
  return {
    package: join(folder, "package.yaml"),
    request: join(folder, "request.json"),
    events: join(folder, "events.jsonl"),
    lock: join(folder, "lock"),
    logs: join(folder, "logs"),
    driverLog: join(folder, "logs", "driver.log"),
  };
}

/** Who works there, as driver.py writes it. */
const LockSchema = v.object({ pid: v.pipe(v.number(), v.integer(), v.minValue(1)), born: v.string() });

/** The driver that holds the lock of a run folder, if it still runs. */
export async function liveDriver(folder: string): Promise<number | undefined> {
  const text = await readFile(runFiles(folder).lock, "utf8").catch(() => "");
  // it may be in the middle of being written
  const lock = readIfSound(LockSchema, text);
  if (lock === undefined) return undefined;
  try {
    process.kill(lock.pid, 0);
    const now = await birthOf(lock.pid);
    return now === undefined || now === lock.born ? lock.pid : undefined;
  } catch {
    // no such process
    return undefined;
  }
}

/** When a process was started, as driver.py tells it of itself. Undefined where the system does not say. */
async function birthOf(pid: number): Promise<string | undefined> {
  if (process.platform !== "linux") return undefined;
  const { hasEnded, startTicks } = parseProcessStat(await readFile(`/proc/${pid}/stat`, "latin1"));
  return hasEnded ? "ended" : startTicks;
}

/** Reads the events of a run as they come: each call goes on where the last one ended. */
export function eventReader(folder: string): () => Promise<Told> {
  let told = nothingTold;
  let position = 0;
  return async () => {
    const text = await readFrom(runFiles(folder).events, position);
    const end = text.lastIndexOf("\n") + 1;
    position += Buffer.byteLength(text.slice(0, end));
    told = tell(told, text.slice(0, end).split("\n"));
    return told;
  };
}

async function readFrom(path: string, position: number): Promise<string> {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return "";
  try {
    const { size } = await file.stat();
    const bytes = Buffer.alloc(Math.max(0, size - position));
    await file.read(bytes, 0, bytes.length, position);
    return bytes.toString("utf8");
  } finally {
    await file.close();
  }
}

/** The last lines of a file, without reading the whole of it. */
export async function tailOf(path: string, lines: number): Promise<string> {
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  const text = await readFrom(path, Math.max(0, size - 64 * 1024));
  return withoutPreamble(text).trimEnd().split("\n").slice(-lines).join("\n");
}

/** A task's output without what the SDK says before the task begins: where it found the component, and all of its inputs as JSON. */
export function withoutPreamble(text: string): string {
  return text
    .replace(/^\[KFP Executor [^\n]*Got executor_input:\n\{\n[\s\S]*?\n\}\n/m, "")
    .replaceAll(
      /^\[KFP Executor [^\n]*(?:Looking for component|Loading KFP component|component_module_path)[^\n]*\n/gm,
      "",
    );
}
