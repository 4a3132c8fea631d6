import { appendFile } from "node:fs/promises";
import { connectStore } from "../connect/model-store.ts";
import type { Report } from "../domain/report.ts";
import { systemClock } from "../lib/clock.ts";
import { ReleaseError } from "../lib/error.ts";
import { storageError } from "../lib/write-file.ts";
import type { Job } from "../ports/step.ts";
import { renderSummary } from "../render/summary.ts";
import { renderTerminal } from "../render/terminal.ts";
import { asReleaseError, concludeError } from "../runner/describe-error.ts";
import { describeJob, envOf, readPlace } from "../runner/job.ts";
import { jobLog } from "../runner/log.ts";
import { createMasks, type Masks } from "../runner/masks.ts";
import { formatCommand } from "../runner/workflow-commands.ts";
import type { Context, Told } from "./command.ts";
import { EXIT_BY_SIGNAL, exitCodeOf } from "./exit-code.ts";
import { helpText } from "./help.ts";
import { type Format, type Invocation, parseCommandLine } from "./parse-command-line.ts";

/** The process that a command line runs in. */
export type Terminal = {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** For the answer; `columns` where a person reads it. */
  readonly out: { readonly write: (text: string) => void; readonly columns: number | undefined };
  /** For everything else: the log, errors. */
  readonly err: { readonly write: (text: string) => void };
  /** Resolves with the first signal that asks the process to stop. */
  readonly interruption: Promise<keyof typeof EXIT_BY_SIGNAL>;
};

/** Runs a command line and answers the exit code. */
export async function runCommandLine(terminal: Terminal): Promise<number> {
  const onGitHub = terminal.env.GITHUB_ACTIONS === "true";
  const masks = createMasks((secret) =>
    onGitHub ? terminal.err.write(`${formatCommand("add-mask", secret)}\n`) : undefined,
  );
  const parsed = parseCommandLine(terminal.words, terminal.env);
  // Whoever asked for JSON gets JSON, errors too.
  const format =
    parsed.state === "ok" && parsed.value.do === "run" ? parsed.value.format : wantedFormat(terminal.words);
  const stop = new AbortController();
  let signalled: keyof typeof EXIT_BY_SIGNAL | undefined;
  void terminal.interruption.then((signal) => {
    signalled = signal;
    stop.abort(new ReleaseError("CANCELLED", { rule: "the command was stopped", saw: signal }));
  });
  try {
    if (parsed.state === "bad") throw new ReleaseError("INPUT", parsed.problems);
    const told = await act(parsed.value, { terminal, masks, onGitHub, signal: stop.signal });
    if (typeof told === "string") {
      terminal.out.write(told);
      return 0;
    }
    const shown = masks.hideIn(told);
    terminal.out.write(answerText(shown, { format, columns: terminal.out.columns }));
    await summarize(shown.report, parsed.value);
    return told.succeeded ? 0 : 1;
  } catch (error) {
    const failure = asReleaseError(error);
    tellFailure(failure, { terminal, masks, format });
    if (parsed.state === "ok")
      await summarize(masks.hideIn(concludeError(failure).report), parsed.value).catch((second: unknown) => {
        const { message } = asReleaseError(second);
        // Where the summary is what failed, it is told.
        if (message !== failure.message) terminal.err.write(`warning: ${message}\n`);
      });
    return failure.code === "CANCELLED" && signalled !== undefined
      ? EXIT_BY_SIGNAL[signalled]
      : exitCodeOf(failure.code);
  }
}

type Acting = {
  readonly terminal: Terminal;
  readonly masks: Masks;
  readonly onGitHub: boolean;
  readonly signal: AbortSignal;
};

/** The help, or what the command came to. A signal ends what is waited for, not only what listens to it. */
async function act(invocation: Invocation, acting: Acting): Promise<string | Told> {
  if (invocation.do === "help") return helpText(invocation.command);
  const { command, values, store } = invocation;
  const context = await openContext(store, acting);
  const { signal } = acting;
  const stopped = new Promise<never>((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
  );
  const told = command.run(values, context);
  try {
    return await Promise.race([told, stopped]);
  } catch (error) {
    // What was begun is taken back first.
    if (signal.aborted && command.writes === true)
      await Promise.race([told.catch(() => undefined), context.clock.sleep(LAST_WORDS_MS)]);
    throw error;
  }
}

const LAST_WORDS_MS = 5_000;

async function openContext(store: string | undefined, { terminal, masks, onGitHub, signal }: Acting): Promise<Context> {
  const { env, cwd, err } = terminal;
  const log = jobLog({ onGitHub, debug: env.RUNNER_DEBUG === "1", masks, write: err.write });
  const job = store === undefined ? await embeddedJob(env, cwd) : { workspace: cwd, home: "", envOf: envOf(env) };
  const mask = (secret: string) => masks.add("a credential", secret);
  const inputs = { store, "working-directory": cwd };
  const opened = await connectStore({ inputs, job, clock: systemClock, log, signal, mask });
  return { store: opened, clock: systemClock, log, signal, cwd };
}

/** Where the embedded default keeps the store of this repository. */
async function embeddedJob(env: Terminal["env"], cwd: string): Promise<Job> {
  const parts = { action: "ml-release", releaseId: "none", isPlan: true, secrets: [], actionPath: cwd };
  return describeJob(await readPlace(env), env, parts);
}

type Answering = { readonly format: Format; readonly columns: number | undefined };

function answerText({ report, json }: Told, { format, columns }: Answering): string {
  switch (format) {
    case "json":
      return `${JSON.stringify(json, undefined, 2)}\n`;
    case "text":
      return renderTerminal(report, widthOf(columns));
  }
}

/** What nobody looks at, or a terminal that does not know its own width, is not wrapped. */
function widthOf(columns: number | undefined): number {
  return columns === undefined || columns === 0 ? Number.POSITIVE_INFINITY : columns;
}

/** The file may be one that others write to as well. */
async function summarize(report: Report, invocation: Invocation): Promise<void> {
  if (invocation.do !== "run" || invocation.summary === undefined) return;
  const { summary } = invocation;
  await appendFile(summary, `${renderSummary(report)}\n`).catch((error: unknown) => {
    throw storageError(summary, error);
  });
}

function wantedFormat(words: readonly string[]): Format {
  return words.includes("--json") ? "json" : "text";
}

function tellFailure(
  failure: ReleaseError,
  { terminal, masks, format }: { readonly terminal: Terminal; readonly masks: Masks; readonly format: Format },
): void {
  const { code, problems } = failure;
  if (format === "json")
    terminal.out.write(`${JSON.stringify(masks.hideIn({ error: { code, problems } }), undefined, 2)}\n`);
  const report: Report = masks.hideIn(concludeError(failure).report);
  terminal.err.write(renderTerminal({ ...report, findings: [] }, widthOf(terminal.out.columns)));
}
