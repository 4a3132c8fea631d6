import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseJson } from "../../domain/parse-json.ts";
import { gpuRequests } from "../../domain/pipeline/gpus.ts";
import { localFaults } from "../../domain/pipeline/local-faults.ts";
import type { PackageFault } from "../../domain/pipeline/package.ts";
import { installedPackages } from "../../domain/pipeline/requirements.ts";
import { taskSites } from "../../domain/pipeline/tasks.ts";
import { withProducers } from "../../domain/run/producers.ts";
import type { RunTask } from "../../domain/run/task.ts";
import { type ChildGroup, startGroup } from "../../lib/child-group.ts";
import { decode } from "../../lib/decode.ts";
import { ReleaseError } from "../../lib/error.ts";
import { exec } from "../../lib/exec.ts";
import { exists } from "../../lib/exists.ts";
import { writeFileAtomic } from "../../lib/write-file.ts";
import type { PipelineEngine, RunRequest, TaskLog } from "../../ports/pipeline-engine.ts";
import { withDigests } from "./artifacts.ts";
import { EnvironmentSchema, statusOf, type Told } from "./events.ts";
import { eventReader, liveDriver, runFiles, tailOf } from "./run-folder.ts";
import { taskEnvironment } from "./task-environment.ts";
import { containerRequest, type TaskContainers } from "./task-images.ts";

export type KfpEngineOptions = {
  /** The folder of all runs: one folder each, named by the run id. */
  readonly runs: string;
  /** The interpreter of an environment with the KFP SDK and these packages besides: found or made when it is asked for. */
  readonly pythonWith: (packages: readonly string[]) => Promise<string>;
  /** What the tasks may see of the job's environment is chosen from this. */
  readonly env: Readonly<Record<string, string>>;
  /** Variables that the tasks get because the user named them. */
  readonly taskEnv: Readonly<Record<string, string>>;
  /** A package that asks for GPUs may run on a machine without. */
  readonly allowCpu: boolean;
  /** Where there is a container engine on this machine; without, every task is a process. */
  readonly containers?: TaskContainers;
};

/** The files that run in Python: the build takes along every file that is named. */
const SCRIPTS = {
  driver: join(import.meta.dirname, "driver.py"),
  guard: join(import.meta.dirname, "guard.py"),
  containers: join(import.meta.dirname, "containers.py"),
  condition: join(import.meta.dirname, "condition.py"),
  hooks: join(import.meta.dirname, "hooks.py"),
  machine: join(import.meta.dirname, "machine.py"),
  plainJson: join(import.meta.dirname, "plain_json.py"),
  stopping: join(import.meta.dirname, "stopping.py"),
  taskOutputs: join(import.meta.dirname, "task_outputs.py"),
} as const;

/** driver.py: another driver holds the lock of the run's folder. */
const BUSY = 75;
/** From SIGTERM until the driver has ended its tasks, with SIGKILL where they do not obey: below the 5 s of a cancelled step. */
const CANCEL_MS = 4_800;
const LOG_LINES = 60;
/** From the driver's last word until it is gone. */
const EXIT_MS = 2_000;

/**
 * Pipelines on this machine, by the KFP SDK's own local runner in a child process. One folder a run: started again in the same folder, what
 * has finished is taken from there. The run ends with the process that started it, however that ends.
 */
export function kfpEngine(options: KfpEngineOptions): PipelineEngine {
  const readers = new Map<string, () => Promise<Told>>();
  const started = new Map<string, ChildGroup>();
  const folderOf = (runId: string) => resolve(options.runs, runId);

  const told = (runId: string): Promise<Told> => {
    const reader = readers.get(runId) ?? eventReader(folderOf(runId));
    readers.set(runId, reader);
    return reader();
  };

  return {
    kind: "local",
    endpoint: "local",
    runsImages: options.containers === undefined ? false : "containers",
    lookMs: { min: 50, max: 1_000 },

    async check(request) {
      const { package: pipeline } = request.work;
      const sites = taskSites(pipeline);
      const python = await options.pythonWith(installedPackages(pipeline));
      const asked = gpuRequests(sites, request.parameters);
      const needed = Math.max(0, ...asked.requests.map(({ count, passedOn }) => (passedOn ? 0 : count)));
      const gpuFault = needed === 0 ? [] : await gpuFaults(python, needed, options);
      return [
        ...localFaults(pipeline, sites, { runsContainers: options.containers !== undefined }),
        ...asked.faults,
        ...gpuFault,
      ];
    },

    async submit(request) {
      const folder = folderOf(request.runId);
      while ((await liveDriver(folder)) !== undefined) {
        if ((await told(request.runId)).end === undefined) return;
        // it has said its last word, and is about to be gone
        await pause(10);
      }
      const python = await options.pythonWith(installedPackages(request.work.package));
      const containers = await containersFor(request, options);
      await writeRequest(folder, request, containers);
      const group = await startDriver(folder, python, taskEnvironment(options.env, python, options.taskEnv));
      if (group !== undefined) started.set(request.runId, group);
    },

    async state(runId) {
      const folder = folderOf(runId);
      // alive first: a driver that ends in between has written its last word
      const alive = (await liveDriver(folder)) !== undefined;
      if (!alive && !(await exists(runFiles(folder).events))) return undefined;
      return { ...statusOf(await told(runId), alive), url: pathToFileURL(folder).href };
    },

    async results(runId) {
      const { tasks, environment, notices, end } = await told(runId);
      // its last word is written a moment before it is gone: who is done with the run leaves no child behind
      if (end !== undefined) await Promise.race([started.get(runId)?.exited, pause(EXIT_MS)]);
      const all = withProducers(await withDigests([...tasks.values()]));
      const failed = all.filter((task) => task.state === "failed");
      const logs = await Promise.all(failed.map((task) => taskLog(folderOf(runId), task)));
      return { tasks: all, logs, notices, ...(environment === undefined ? {} : { environment }) };
    },

    async cancel(runId) {
      const folder = folderOf(runId);
      const driver = await liveDriver(folder);
      const group = started.get(runId);
      if (driver === undefined) {
        await group?.end(0);
        return [`nothing of run ${runId} is running`];
      }
      process.kill(driver, "SIGTERM");
      const deadline = performance.now() + CANCEL_MS;
      while ((await liveDriver(folder)) !== undefined && performance.now() < deadline) await pause(20);
      // the tasks' guards notice that the driver is gone, and end what they guard
      if ((await liveDriver(folder)) !== undefined) process.kill(driver, "SIGKILL");
      return [`ended the tasks of run ${runId}; it can be resumed`];
    },
  };
}

async function containersFor(request: RunRequest, { containers, taskEnv }: KfpEngineOptions) {
  if (containers === undefined) return undefined;
  return containerRequest(taskSites(request.work.package), containers, Object.keys(taskEnv));
}

type ContainerRequest = Awaited<ReturnType<typeof containersFor>>;

async function writeRequest(folder: string, request: RunRequest, containers: ContainerRequest): Promise<void> {
  const files = runFiles(folder);
  await mkdir(files.logs, { recursive: true });
  await writeFileAtomic(files.package, request.work.text);
  const { runId, attempt, parameters } = request;
  const { name, version, digest } = request.work;
  const content = { runId, attempt, pipeline: { name, version, packageDigest: digest }, parameters, containers };
  await writeFileAtomic(files.request, `${JSON.stringify(content, undefined, 1)}\n`);
}

/** Starts the driver and waits until it holds the folder; undefined where another one does. */
async function startDriver(
  folder: string,
  python: string,
  env: Readonly<Record<string, string>>,
): Promise<ChildGroup | undefined> {
  const files = runFiles(folder);
  await writeFile(files.driverLog, "");
  const group = await startGroup(python, ["-B", SCRIPTS.driver, folder], {
    cwd: folder,
    env,
    output: { file: files.driverLog },
    stdin: "open",
  });
  const exit = await Promise.race([group.exited, holdsFolder(folder, group.pid)]);
  if (exit === "holds" || exit.code === 0 || exit.code === 1) return group;
  if (exit.code === BUSY) return undefined;
  throw new ReleaseError("COMMAND", {
    rule: "the local engine could not be started",
    where: { file: files.driverLog },
    saw: exit.signal ?? `exit code ${exit.code}`,
    hint: `it said:\n${await tailOf(files.driverLog, 20)}`,
  });
}

async function holdsFolder(folder: string, pid: number): Promise<"holds"> {
  while ((await liveDriver(folder)) !== pid && isRunning(pid)) await pause(10);
  return "holds";
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A task that asks for more than there are would wait for ever on a cluster; here it would run with fewer and nobody would know. */
async function gpuFaults(
  python: string,
  needed: number,
  { env, allowCpu }: KfpEngineOptions,
): Promise<readonly PackageFault[]> {
  const answer = await exec(python, ["-B", SCRIPTS.machine], { cwd: "/", env: taskEnvironment(env, python, {}) });
  const { gpus } = decode(EnvironmentSchema, parseJson(answer.stdout), "what the machine has");
  const count = gpus.reduce((sum, gpu) => sum + gpu.count, 0);
  if (count >= needed) return [];
  const seen = gpus.map((gpu) => `${gpu.count} x ${gpu.name}`).join(", ");
  return [
    {
      level: allowCpu ? "warning" : "error",
      path: [0, "deploymentSpec"],
      rule: `the pipeline asks for GPUs, and this machine has ${count === 0 ? "none" : `fewer than the ${needed} of one task`}`,
      saw: count === 0 ? "no GPU (nvidia-smi)" : seen,
      hint: allowCpu
        ? `it runs on ${count === 0 ? "the CPU" : "what is there"}, as allow-cpu says`
        : "run it on a machine that has them, or set allow-cpu: true to run it on what is there",
    },
  ];
}

async function taskLog(folder: string, task: RunTask): Promise<TaskLog> {
  if (task.log === undefined) return { task: task.path, tail: task.error ?? "" };
  const place = join(folder, task.log);
  return { task: task.path, tail: await tailOf(place, LOG_LINES), place };
}
