import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { isReleaseError, ReleaseError, systemCodeOf } from "./error.ts";
import { parseProcessStat } from "./process-stat.ts";

export type Spawn = {
  readonly cwd: string;
  /** The whole environment of the child: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
};

/** A child with its whole process group, so that what it started ends with it. */
export type ChildGroup = {
  readonly pid: number;
  /** Resolves when the child has ended; never rejects. */
  readonly exited: Promise<Exit>;
  /** Asks the group to end, and kills what is left of it after `graceMs`. Resolves when nothing of it runs. */
  end(graceMs: number): Promise<void>;
  /** Lets it live on after this process: it is no longer ended on cancel. */
  release(): void;
};

export type Exit = { readonly code?: number; readonly signal?: NodeJS.Signals };

export type GroupOptions = Spawn & {
  /** Where its output goes: to a file (the only choice for what will be released), or line by line to us. */
  readonly output: { readonly file: string } | { readonly onLine: (line: string, from: "stdout" | "stderr") => void };
  /** `open`: a pipe to which nothing is written and that ends when this process does, however it ends. Default: nothing to read. */
  readonly stdin?: "ignore" | "open";
};

/** Starts a program that runs beside us. Throws `COMMAND` where it cannot be started. */
export async function startGroup(
  command: string,
  args: readonly string[],
  { cwd, env, output, stdin = "ignore" }: GroupOptions,
): Promise<ChildGroup> {
  const file = "file" in output ? openSync(output.file, "a") : undefined;
  try {
    const from = stdin === "open" ? "pipe" : "ignore";
    const stdio = file === undefined ? ([from, "pipe", "pipe"] as const) : ([from, file, file] as const);
    const child = spawn(command, args, { cwd, env, detached: true, stdio: [...stdio] });
    const group = groupOf(child, command);
    if ("onLine" in output) {
      for (const from of ["stdout", "stderr"] as const) readLines(child, from, (line) => output.onLine(line, from));
    }
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (error) => reject(notStarted(command, error)));
    });
    return group;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Ends every group that was neither ended nor released; the runner calls it when the step is cancelled. */
export async function endLiveGroups(graceMs: number): Promise<number> {
  const live = [...liveGroups];
  await Promise.all(live.map((group) => group.end(graceMs)));
  return live.length;
}

const liveGroups = new Set<ChildGroup>();

/** The group of a child that was just started, detached. */
export function groupOf(child: ChildProcess, command: string): ChildGroup {
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once("error", (error) => (child.pid === undefined ? reject(notStarted(command, error)) : undefined));
    child.once("exit", (code, signal) => {
      liveGroups.delete(group);
      resolve(signal === null ? { code: code ?? -1 } : { signal });
    });
  });
  // exec awaits it; startGroup rejects by itself.
  exited.catch(() => liveGroups.delete(group));
  const group: ChildGroup = {
    pid: child.pid ?? -1,
    exited,
    end: (graceMs) => endGroup(group, graceMs),
    release: () => {
      liveGroups.delete(group);
      child.unref();
    },
  };
  if (child.pid !== undefined) liveGroups.add(group);
  return group;
}

async function endGroup(group: ChildGroup, graceMs: number): Promise<void> {
  if (group.pid <= 0) return;
  signalGroup(group.pid, "SIGTERM");
  const deadline = performance.now() + graceMs;
  while (isGroupAlive(group.pid) && performance.now() < deadline) await pause(25);
  if (isGroupAlive(group.pid)) signalGroup(group.pid, "SIGKILL");
  await group.exited;
  liveGroups.delete(group);
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}

/** Whether anything of a process group runs. Zombies do not count: in a container they may never be reaped. */
export function isGroupAlive(pgid: number): boolean {
  try {
    process.kill(-pgid, 0);
  } catch {
    return false;
  }
  if (process.platform !== "linux") return true;
  return readdirSync("/proc").some((name) => /^\d+$/.test(name) && isLiveMember(name, pgid));
}

function isLiveMember(pid: string, pgid: number): boolean {
  try {
    const { hasEnded, group } = parseProcessStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
    return !hasEnded && group === pgid;
  } catch {
    return false;
  }
}

/** Hands on each line of one of its streams. */
export function readLines(child: ChildProcess, from: "stdout" | "stderr", onLine: (line: string) => void): void {
  const stream = child[from];
  if (stream) createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on("line", onLine);
}

function notStarted(command: string, error: unknown): ReleaseError {
  if (isReleaseError(error)) return error;
  const missing = systemCodeOf(error) === "ENOENT";
  return new ReleaseError(
    "COMMAND",
    {
      rule: `${command} could not be started`,
      saw: missing ? "no such program (or no such working folder)" : String(error),
      hint: missing ? `install ${command} on the runner, or put it on the PATH` : "see the cause",
    },
    error,
  );
}
