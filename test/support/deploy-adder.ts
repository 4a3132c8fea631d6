import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { ADDER, type AdderOptions, registerAdder, writeAdderFiles } from "./adder-release.ts";
import { type JobContext, jobContext } from "./job-context.ts";
import { type ActionRun, type Result, runAction } from "./run-action.ts";

/** A rollout that decides in about two seconds. */
export const QUICK: Readonly<Record<string, string>> = {
  payloads: "payloads.jsonl",
  serve: JSON.stringify(ADDER),
  "serve-context": "server",
  "serve-as": "process",
  rate: "200",
  steps: "50%",
  look: "150ms",
  "step-duration": "3s",
  "max-step-duration": "15s",
  bake: "200ms",
  "min-requests": "20",
  "max-error-rate": "5%",
};

export type Deployment = AdderOptions & {
  readonly job?: JobContext;
  /** The machine of an earlier job. */
  readonly machine?: JobContext;
  readonly with?: Readonly<Record<string, string>>;
  readonly run?: Omit<ActionRun, "with" | "job">;
};

/** A machine on which 1.0.0 serves, for the tests of one file; `remove` ends it. */
export async function servingMachine(): Promise<{
  readonly machine: JobContext;
  readonly url: string;
  remove(): void;
}> {
  const machine = jobContext({ tag: "v1.0.0", keep: true });
  const first = await deployAdder({ version: "1.0.0", machine, job: machine, with: { keep: "true" } });
  const remove = () => {
    endProcesses(machine);
    machine.remove();
  };
  return { machine, url: first.main.outputs.url ?? "", remove };
}

/** Registers a version of the adder and deploys it, as one step of one job. */
export async function deployAdder(deployment: Deployment): Promise<Result & { readonly job: JobContext }> {
  const { machine, version } = deployment;
  const job = deployment.job ?? jobContext({ tag: `v${version}`, ...(machine === undefined ? {} : { machine }) });
  if (machine === undefined) endWithTest(job);
  writeAdderFiles(job.workspace);
  const release = await registerAdder(job.home, deployment);
  const result = await runAction("deploy-model", {
    job,
    with: { ...QUICK, release, ...deployment.with },
    ...deployment.run,
  });
  return { ...result, job };
}

/** Another mode of the action on the same machine. */
export async function inMode(
  mode: string,
  machine: JobContext,
  more: Readonly<Record<string, string>> = {},
): Promise<Result> {
  const job = jobContext({ tag: "v9.9.9", machine });
  return runAction("deploy-model", { job, with: { mode, model: "adder", ...more } });
}

/** Whatever a test leaves running is ended with it. */
function endWithTest(job: JobContext): void {
  onTestFinished(() => endProcesses(job));
}

function endProcesses({ home }: JobContext): void {
  for (const pid of processesOf(home)) process.kill(pid, "SIGKILL");
}

/** Servers and splitters of a home folder that run now: its path is in their environment or among their arguments. */
export function processesOf(home: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      const isServer = read(`/proc/${pid}/environ`).includes("ML_RELEASE_SERVER=");
      return isServer && `${read(`/proc/${pid}/environ`)}${read(`/proc/${pid}/cmdline`)}`.includes(`${home}/`);
    })
    .map(Number);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

export function jsonIn<T>(job: JobContext, ...path: readonly string[]): T {
  return JSON.parse(readFileSync(join(job.home, ...path), "utf8")) as T;
}

/** The version that the model's alias `champion` names; undefined where there is none. */
export function championOf(job: JobContext): string | undefined {
  const text = read(join(job.home, "models", "adder", "aliases", "champion.json"));
  return text === "" ? undefined : (JSON.parse(text) as { readonly version: string }).version;
}

/** Who answers at an address, `1.0.0`; undefined where nobody does. */
export async function whoServes(url: string): Promise<string | undefined> {
  try {
    const answer = await fetch(`${url}/v2/models/adder`);
    return ((await answer.json()) as { readonly versions?: readonly string[] }).versions?.[0];
  } catch {
    return undefined;
  }
}
