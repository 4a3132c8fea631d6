import { type ChildProcess, spawn } from "node:child_process";
import { formatDuration } from "../domain/quantity.ts";
import { type Exit, groupOf, readLines, type Spawn } from "./child-group.ts";
import { ReleaseError } from "./error.ts";

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
