import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Manifest } from "../../actions/shared/runner/inputs.ts";
import { inputVariable } from "../../actions/shared/runner/read-inputs.ts";
import { readKeyValues } from "./command-files.ts";
import type { JobContext } from "./job-context.ts";
import { type Command, readCommands } from "./workflow-commands.ts";

/** What the runner puts in place of `${{ github.token }}`. */
export const GITHUB_TOKEN = "ghs_harness0123456789";

export type ActionRun = {
  /** What a user writes under `with:`; it may be wrong. */
  readonly with?: Readonly<Record<string, string>>;
  readonly job: JobContext;
  /** `env:` of the step. */
  readonly env?: Readonly<Record<string, string>>;
  /** The user cancels as soon as this holds: SIGINT, later SIGTERM, then the whole tree is killed. */
  readonly cancelWhen?: (stdout: string) => boolean;
  /** The process alone is killed, as by the kernel that is out of memory. */
  readonly killWhen?: (stdout: string) => boolean;
  /** Which signal a cancel begins with; the runner begins with SIGINT. */
  readonly signal?: "SIGINT" | "SIGTERM";
  /** Milliseconds from SIGINT to SIGTERM, and from there to the end. */
  readonly timing?: { readonly term: number; readonly kill: number };
  /** Whether the post phase is run. Default: true. */
  readonly post?: boolean;
  /** From its bundle, whatever the environment says. */
  readonly bundled?: boolean;
  /** No file that it writes may become larger; a write beyond that fails. */
  readonly fileBytes?: number;
  /** Is told the process of the step once it runs. */
  readonly onStart?: (pid: number) => void;
  /** Hears the standard output as it comes. */
  readonly onOutput?: (text: string) => void;
};

/** What one phase of a step did, as the runner would see it. */
export type Phase = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The commands that the runner carries out: none of those that are fenced. */
  readonly commands: readonly Command[];
  readonly masks: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly summary: string;
  /** Signals that were sent, with the milliseconds after the first. */
  readonly sent: readonly { readonly name: string; readonly atMs: number }[];
  readonly ms: number;
};

export type Result = { readonly main: Phase; readonly post: Phase | undefined };

const ROOT = resolve(import.meta.dirname, "../..");

/**
 * Runs a step as the runner does: the action as a process of its own, then its `post`. `action` is a name below actions/, or the path of a
 * folder with an action's sources. With ML_RELEASE_TEST_DIST=1 the actions run from their published bundle.
 */
export async function runAction(action: string, run: ActionRun): Promise<Result> {
  const folder = action.includes("/") ? resolve(action) : join(ROOT, "actions", action);
  const { manifest } = (await import(join(folder, "inputs.ts"))) as { readonly manifest: Manifest };
  const isBundled = (run.bundled ?? process.env.ML_RELEASE_TEST_DIST === "1") && !action.includes("/");
  const entry = action.includes("/") ? join(folder, "index.ts") : entryOf(action, isBundled);
  const inputs = inputsOf(manifest, run.with ?? {});
  const main = await runPhase(entry, { run, variables: inputs });
  if (run.post === false) return { main, post: undefined };
  const state = Object.fromEntries(Object.entries(main.state).map(([name, value]) => [`STATE_${name}`, value]));
  const { cancelWhen: _, killWhen: __, onStart: ___, ...quiet } = run;
  // As dist/post.js does for the bundle.
  const begun = isBundled ? {} : { STATE_progress: "started" };
  const post = await runPhase(isBundled ? join(folder, "dist/post.js") : entry, {
    run: quiet,
    variables: { ...inputs, ...begun, ...state },
  });
  const secrets = Object.keys(manifest.inputs).filter((name) => manifest.inputs[name]?.secret);
  for (const phase of [main, post])
    refuseLeaks(
      phase,
      secrets.map((name) => inputs[inputVariable(name)] ?? ""),
    );
  return { main, post };
}

/** Where a program of `actions/` starts: its published bundle, or a bundle of the sources where one was made for these tests, else the sources. */
export function entryOf(program: string, isPublished = process.env.ML_RELEASE_TEST_DIST === "1"): string {
  if (isPublished) return join(ROOT, "actions", program, "dist/index.js");
  const bundles = process.env.ML_RELEASE_TEST_BUNDLES;
  return bundles === undefined ? join(ROOT, "actions", program, "index.ts") : join(bundles, program, "index.js");
}

function inputsOf({ inputs }: Manifest, given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const defaults = Object.entries(inputs).map(([name, { default: value = "" }]) => [name, value]);
  const all = { ...Object.fromEntries(defaults), ...given } as Readonly<Record<string, string>>;
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [
      inputVariable(name),
      value.replace("${{ github.token }}", GITHUB_TOKEN),
    ]),
  );
}

async function runPhase(
  entry: string,
  { run, variables }: { readonly run: ActionRun; readonly variables: Readonly<Record<string, string>> },
): Promise<Phase> {
  const { job } = run;
  const files = commandFiles(job);
  const env = {
    ...job.env,
    PATH: [...job.exported.path, job.env.PATH].join(":"),
    ...job.exported.env,
    ...run.env,
    ...files.env,
    ...variables,
    NODE_COMPILE_CACHE: join(ROOT, "node_modules/.cache/node-compile"),
  };
  const started = performance.now();
  const limited = run.fileBytes === undefined ? [] : ["prlimit", `--fsize=${run.fileBytes}`, "--"];
  const [command = process.execPath, ...args] = [...limited, process.execPath, entry];
  // A group of its own: a Ctrl-C in the developer's terminal is not a cancel.
  const child = spawn(command, args, {
    env,
    cwd: job.workspace,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  if (child.pid !== undefined) run.onStart?.(child.pid);
  const sender = signalSender(child, run);
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    run.onOutput?.(text);
    if (run.cancelWhen?.(stdout)) sender.cancel();
    if (run.killWhen?.(stdout)) child.kill("SIGKILL");
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const { code, signal } = await exitOf(child);
  sender.stop();
  const ms = performance.now() - started;
  Object.assign(job.exported.env, readKeyValues(files.read("ENV")));
  job.exported.path.unshift(...files.read("PATH").split("\n").filter(Boolean));
  const commands = readCommands(stdout);
  return {
    code,
    signal,
    stdout,
    stderr,
    commands,
    masks: commands.filter(({ name }) => name === "add-mask").map(({ message }) => message),
    outputs: readKeyValues(files.read("OUTPUT")),
    state: readKeyValues(files.read("STATE")),
    summary: files.read("STEP_SUMMARY"),
    sent: sender.sent,
    ms,
  };
}

function commandFiles(job: JobContext) {
  mkdirSync(join(job.temp, "_runner_file_commands"), { recursive: true });
  const folder = mkdtempSync(join(job.temp, "_runner_file_commands", "step-"));
  const names = ["OUTPUT", "STATE", "STEP_SUMMARY", "ENV", "PATH"] as const;
  for (const name of names) writeFileSync(join(folder, name), "");
  return {
    env: Object.fromEntries(names.map((name) => [`GITHUB_${name}`, join(folder, name)])),
    read: (name: (typeof names)[number]) => readFileSync(join(folder, name), "utf8"),
  };
}

/** The runner signals the node process alone; what that has not ended by itself is killed with its whole tree. */
function signalSender(child: ChildProcess, { signal = "SIGINT", timing = { term: 7_500, kill: 2_500 } }: ActionRun) {
  const sent: { name: string; atMs: number }[] = [];
  const timers: NodeJS.Timeout[] = [];
  let first: number | undefined;
  const send = (name: "SIGINT" | "SIGTERM") => {
    first ??= performance.now();
    sent.push({ name, atMs: Math.round(performance.now() - first) });
    child.kill(name);
  };
  const killTree = () => {
    sent.push({ name: "SIGKILL", atMs: Math.round(performance.now() - (first ?? 0)) });
    for (const pid of [...descendants(child.pid ?? 0), child.pid ?? 0]) killOne(pid);
  };
  return {
    sent,
    cancel: () => {
      if (first !== undefined) return;
      send(signal);
      timers.push(
        setTimeout(() => send("SIGTERM"), timing.term),
        setTimeout(killTree, timing.term + timing.kill),
      );
    },
    stop: () => timers.forEach(clearTimeout),
  };
}

/** When the process has ended: a child that lives on may keep the pipes open. */
function exitOf(
  child: ChildProcess,
): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
  return new Promise((settle, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      const done = () => settle({ code, signal });
      child.once("close", done);
      setTimeout(done, 1_000).unref();
    });
  });
}

/** The processes below one, nearest first. */
export function descendants(pid: number): readonly number[] {
  const rows = execFileSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
  const pairs = rows.map((row) => row.trim().split(/\s+/).map(Number));
  const childrenOf = (parent: number): readonly number[] =>
    pairs.flatMap(([own = 0, above]) => (above === parent ? [own, ...childrenOf(own)] : []));
  return childrenOf(pid);
}

function killOne(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

/** A secret that came as an input is nowhere in what the runner keeps; the runner's own masking is not relied on. */
function refuseLeaks(phase: Phase, secrets: readonly string[]): void {
  const log = phase.stdout.split("\n").filter((line) => !line.startsWith("::add-mask::"));
  const kept = [...log, phase.stderr, phase.summary, ...Object.values(phase.outputs), ...Object.values(phase.state)];
  const leak = kept.find((text) => secrets.some((secret) => secret.trim() !== "" && text.includes(secret.trim())));
  if (leak !== undefined) throw new Error(`a secret leaked: ${leak}`);
}
