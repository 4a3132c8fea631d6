import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { formatDuration } from "../domain/quantity.ts";
import { isReleaseError, ReleaseError } from "./error.ts";

type Spawn = {
  readonly cwd: string;
  /** The whole environment of the child: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
};

export type ExecOptions = Spawn & {
  /** Written to its standard input, which is closed then. */
  readonly input?: string | Uint8Array;
  /** Ends the whole group and rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly onLine?: (line: string, from: "stdout" | "stderr") => void;
  /** Exit codes that are an answer, not a failure. Default: 0. */
  readonly okCodes?: readonly number[];
  /** Output kept of each stream, from its beginning. Default 32 MiB. */
  readonly maxBytes?: number;
  /** `secret`: its standard output is in no error, nor what its error output repeats of it. Default: shown. */
  readonly stdout?: "shown" | "secret";
};

export type ExecResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

/**
 * Runs a program to its end: no shell, in a process group of its own. Throws `COMMAND` with the exit code and the end of its error output, when it
 * cannot be started or is killed too; `TIMEOUT` after `timeoutMs`; the signal's reason on abort. On both the whole group is ended before this rejects.
 * It is over when its output is: what it leaves behind counts as long as that holds its output open.
 */
export async function exec(command: string, args: readonly string[], options: ExecOptions): Promise<ExecResult> {
  options.signal?.throwIfAborted();
  const child = spawn(command, args, { cwd: options.cwd, env: options.env, detached: true, stdio: "pipe" });
  const group = groupOf(child, command);
  const stdout = collect(child, "stdout", options);
  const stderr = collect(child, "stderr", options);
  // The program may end before it has read all its input: its exit code tells, not the broken pipe.
  child.stdin?.on("error", () => {});
  child.stdin?.end(options.input ?? "");
  const timeout = options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs);
  const stop = anySignal(options.signal, timeout);
  try {
    const [exit, out, err] = await untilAborted(Promise.all([group.exited, stdout, stderr]), stop);
    const result = { code: exit.code ?? -1, stdout: out, stderr: err };
    if (exit.signal !== undefined || !(options.okCodes ?? [0]).includes(result.code))
      throw failed(
        nameOf(command, args),
        exit,
        options.stdout === "secret" ? told(result) : result.stderr || result.stdout,
      );
    return result;
  } catch (error) {
    if (stop?.aborted !== true) throw error;
    await group.end(2_000);
    // what left the group may hold them open for ever
    child.stdout?.destroy();
    child.stderr?.destroy();
    if (options.signal?.aborted) throw options.signal.reason;
    throw new ReleaseError("TIMEOUT", {
      rule: `${command} took too long and was ended`,
      allowed: formatDuration(options.timeoutMs ?? 0),
      hint: "this limit is fixed: run the same command on the runner by hand to see where it hangs, then run the step again",
    });
  }
}

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

function groupOf(child: ChildProcess, command: string): ChildGroup {
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
    // pid (name, may hold anything) state ppid pgrp …
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state !== "Z" && state !== "X" && Number(group) === pgid;
  } catch {
    return false;
  }
}

function collect(
  child: ChildProcess,
  from: "stdout" | "stderr",
  { maxBytes = 32 * 1024 * 1024, onLine }: ExecOptions,
): Promise<string> {
  const stream = child[from];
  if (!stream) return Promise.resolve("");
  if (onLine) readLines(child, from, (line) => onLine(line, from));
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= maxBytes) chunks.push(chunk);
  });
  return new Promise((resolve) => {
    stream.once("close", () => resolve(Buffer.concat(chunks).toString("utf8")));
  });
}

function readLines(child: ChildProcess, from: "stdout" | "stderr", onLine: (line: string) => void): void {
  const stream = child[from];
  if (stream) createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on("line", onLine);
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function anySignal(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  return a && b ? AbortSignal.any([a, b]) : (a ?? b);
}

/** `docker build`: arguments may be long, or hold what nobody should read. */
function nameOf(command: string, args: readonly string[]): string {
  const verb = args[0] ?? "";
  return /^[a-z][a-z-]*$/.test(verb) ? `${command} ${verb}` : command;
}

/** What it said of its failure, when what it was asked for is a secret. */
function told({ stdout, stderr }: ExecResult): string {
  const secrets = stdout.split(/[\s"]+/).filter((word) => word.length >= 4);
  return secrets.toSorted((a, b) => b.length - a.length).reduce((text, word) => text.replaceAll(word, "***"), stderr);
}

function failed(what: string, exit: Exit, output: string): ReleaseError {
  const tail = output.trimEnd().split("\n").slice(-20).join("\n").slice(-4_000);
  const how = exit.signal === undefined ? `exit code ${exit.code}` : `killed by ${exit.signal}`;
  return new ReleaseError("COMMAND", {
    rule: `${what} failed`,
    saw: how,
    ...(tail === "" ? {} : { hint: `it said:\n${tail}` }),
  });
}

function notStarted(command: string, error: unknown): ReleaseError {
  if (isReleaseError(error)) return error;
  const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
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
