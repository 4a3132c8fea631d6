import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import type { JobContext } from "../../../../test/support/job-context.ts";
import { type Phase, runAction } from "../../../../test/support/run-action.ts";
import { type Release, ReleaseSchema } from "../../domain/release.ts";
import { decode } from "../../lib/decode.ts";
import { exec } from "../../lib/exec.ts";
import { bringBase, type DemoEngine, engineInputs, hideEngines } from "./engine.ts";
import type { DemoFolders } from "./folders.ts";
import { openJob, packageClientEnv } from "./job.ts";
import { checkOut } from "./project.ts";
import { readReleaseWorkflow, type WorkflowStep } from "./workflow.ts";

/** What one release came to. */
export type Released = {
  readonly tag: string;
  /** The record after the last step. */
  readonly record: Release;
  readonly seconds: number;
  /** The image that the training task found itself in, by digest; absent where it was a process. */
  readonly trainedIn?: string;
  /** The action that failed, with its headline; absent where every step is green. */
  readonly red?: { readonly action: string; readonly headline: string };
  readonly outputs: Readonly<Record<string, Readonly<Record<string, string>>>>;
};

type Wanted = { readonly project: string; readonly engine: DemoEngine; readonly tag: string };

/** Runs the steps of the release workflow for one tag, each action as a process with a runner's environment, until one is red. */
export async function release(at: DemoFolders, { project, engine, tag }: Wanted): Promise<Released> {
  const started = performance.now();
  const workspace = join(at.workspaces, tag);
  await mkdir(at.workspaces, { recursive: true });
  const sha = await checkOut(project, tag, workspace);
  await bringBase(engine, workspace);
  console.log(`\n${tag} (${sha.slice(0, 12)})`);
  const job = await openJob(at, { tag, sha, workspace });
  if (engine.state === "none") await hideEngines(job);
  const outputs: Record<string, Readonly<Record<string, string>>> = {};
  let red: Released["red"];
  for (const step of readReleaseWorkflow().steps) {
    if (red !== undefined) break;
    const result = await runStep(step, { job, engine });
    if (result === undefined) continue;
    outputs[result.action] = result.phase.outputs;
    if (result.phase.code !== 0) red = { action: result.action, headline: result.headline };
  }
  const record = await readRecord(job.temp);
  const trainedIn = await imageOfTraining(at, record);
  const seconds = (performance.now() - started) / 1_000;
  return {
    tag,
    record,
    seconds,
    outputs,
    ...(trainedIn === undefined ? {} : { trainedIn }),
    ...(red === undefined ? {} : { red }),
  };
}

/** What `train_model` wrote of its machine into the metadata of what it trained. */
const TrainedSchema = v.object({
  tasks: v.array(
    v.looseObject({ task: v.string(), outputs: v.object({ artifacts: v.record(v.string(), v.unknown()) }) }),
  ),
});

const EstimatorSchema = v.tuple([
  v.looseObject({ metadata: v.looseObject({ environment: v.looseObject({ image: v.optional(v.string()) }) }) }),
]);

async function imageOfTraining(at: DemoFolders, { run }: Release): Promise<string | undefined> {
  if (run === undefined) return undefined;
  const text = await readFile(join(at.home, "runs", run.id, "run.json"), "utf8");
  const { tasks } = decode(TrainedSchema, JSON.parse(text), "run.json");
  const training = tasks.find(({ task }) => task === "train-model");
  if (training?.outputs.artifacts.estimator === undefined) return undefined;
  const [estimator] = decode(EstimatorSchema, training.outputs.artifacts.estimator, "the estimator in run.json");
  return estimator.metadata.environment.image;
}

type DemoJob = JobContext;

async function runStep(step: WorkflowStep, { job, engine }: { readonly job: DemoJob; readonly engine: DemoEngine }) {
  const started = performance.now();
  const tell = (text: string) => {
    console.log(`  ${((performance.now() - started) / 1_000).toFixed(1).padStart(6)} s  ${text}`);
  };
  if (step.do === "script") {
    await runScript(step.script, job);
    tell(step.name);
    return undefined;
  }
  // There is no GitHub here: reports stay files.
  const given = { "github-token": "", ...step.with, ...engineInputs(engine, step.action) };
  const { main, post } = await runAction(step.action, { with: given, job, env: packageClientEnv(), bundled: true });
  const headline = await headlineOf(main);
  await writeFile(join(job.root, `${step.action}.log`), `${main.stdout}${main.stderr}${post?.stdout ?? ""}`);
  tell(`${step.action}: ${headline}`);
  if (main.code !== 0 || post?.code !== 0) console.log(`            log: ${join(job.root, `${step.action}.log`)}`);
  return { action: step.action, phase: main, headline };
}

/** A script step; what it adds to the PATH is there for the steps after it. */
async function runScript(script: string, job: DemoJob): Promise<void> {
  const pathFile = join(job.root, "path");
  await writeFile(pathFile, "");
  const env = { ...packageClientEnv(), ...job.env, GITHUB_PATH: pathFile };
  await exec("bash", ["-eo", "pipefail", "-c", script], { cwd: job.workspace, env });
  const added = (await readFile(pathFile, "utf8")).split("\n").filter((line) => line !== "");
  job.exported.path.unshift(...added);
}

const ReportSchema = v.object({ headline: v.string(), report: v.object({ tone: v.string() }) });

const MARKS: Readonly<Record<string, string>> = { good: "✅", warn: "⚠️", bad: "❌", undone: "↩️" };

async function headlineOf({ outputs, code }: Phase): Promise<string> {
  if (outputs.report === undefined) return `no report, exit code ${code}`;
  const file = join(outputs.report, "report.json");
  const { headline, report } = decode(ReportSchema, JSON.parse(await readFile(file, "utf8")), file);
  return `${MARKS[report.tone] ?? ""} ${headline}`;
}

async function readRecord(temp: string): Promise<Release> {
  const text = await readFile(join(temp, "ml-release", "release.json"), "utf8");
  return decode(ReleaseSchema, JSON.parse(text), "the release record");
}
