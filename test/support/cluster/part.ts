import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

/** One process of the cluster. */
export type Part = {
  readonly name: string;
  readonly pid: number;
  /** Why it is gone, once it is: with the last lines of its log. */
  gone(): string | undefined;
  /** Lets it finish what it does. */
  stop(): Promise<void>;
  kill(): Promise<void>;
};

export type PartCommand = {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Where its output goes. */
  readonly log: string;
};

/** Starts a program that the kernel kills when the process that started it dies, however it dies. */
export function startPart({ name, program, args, log }: PartCommand): Part {
  const output = openSync(log, "a");
  const child = spawn("setpriv", ["--pdeathsig", "KILL", program, ...args], { stdio: ["ignore", output, output] });
  closeSync(output);
  let ended: string | undefined;
  const exited = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      ended = error.message;
      resolve();
    });
    child.once("exit", (code, signal) => {
      ended = signal ?? `exit code ${code}`;
      resolve();
    });
  });
  return {
    name,
    pid: child.pid ?? 0,
    gone: () => (ended === undefined ? undefined : `${name} ended (${ended}): ${lastLines(log)}`),
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
    },
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Waits until it holds. Throws when it takes longer, or when a part that it needs has ended. */
export async function until(
  what: string,
  holds: () => Promise<boolean>,
  { seconds = 60, parts = [] }: { readonly seconds?: number; readonly parts?: readonly Part[] } = {},
): Promise<void> {
  const deadline = Date.now() + seconds * 1_000;
  let lastError: unknown;
  while (Date.now() < deadline) {
    const gone = parts.map((part) => part.gone()).find((reason) => reason !== undefined);
    if (gone !== undefined) throw new Error(`waited for ${what}: ${gone}`);
    const held = await holds().catch((error: unknown) => {
      lastError = error;
      return false;
    });
    if (held) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited ${seconds} s for ${what}`, { cause: lastError });
}

function lastLines(log: string): string {
  return readFileSync(log, "utf8").trimEnd().split("\n").slice(-8).join("\n");
}
