import { onTestFinished } from "vitest";
import type { KfpOptions } from "../fakes/kfp/kfp.ts";
import type { ScheduledTask } from "../fakes/kfp/schedule.ts";
import { type StartedKfp, startFakeKfp } from "../fakes/kfp/start-kfp.ts";
import { type JobContext, type JobOptions, jobContext } from "./job-context.ts";
import { TRAINER } from "./pipeline-job.ts";
import { type PackageParts, pipelineDocuments, python } from "./pipeline-package.ts";
import { type ActionRun, type Result, runAction } from "./run-action.ts";

/** A training task with two GPUs behind one that prepares. */
export const GPU_PACKAGE: PackageParts = {
  executors: {
    "exec-prepare": python({ image: TRAINER }),
    "exec-train": python({
      image: TRAINER,
      resources: { accelerator: { resourceType: "nvidia.com/gpu", resourceCount: "2" } },
    }),
  },
  tasks: {
    prepare: { componentRef: { name: "comp-prepare" } },
    train: { componentRef: { name: "comp-train" }, dependentTasks: ["prepare"] },
  },
};

export const UNSCHEDULABLE = "Unschedulable: 0/4 nodes are available: 4 Insufficient nvidia.com/gpu.";

/** The tasks of `GPU_PACKAGE`, quick; `train` as a test says. */
export function gpuTasks(train: Partial<ScheduledTask> = {}): readonly ScheduledTask[] {
  const driver = { ms: 50 };
  return [
    { name: "prepare", runMs: 1_000, driver },
    { name: "train", after: ["prepare"], runMs: 1_000, driver, ...train },
  ];
}

/** A server on loopback, gone with the test; what its tasks do takes seconds. */
export async function kubeflowServer(
  tasks: readonly ScheduledTask[] = gpuTasks(),
  options: KfpOptions = {},
): Promise<StartedKfp> {
  const started = await startFakeKfp({ scheduleOf: () => ({ controllerMs: 10, tasks }), ...options });
  onTestFinished(() => started.close());
  return started;
}

/** A job on a tag whose workspace has a compiled package `pipeline.yaml`. */
export function gpuJob(options: JobOptions = {}, parts: PackageParts = GPU_PACKAGE): JobContext {
  const text = pipelineDocuments(parts)
    .map((document) => `${JSON.stringify(document, null, 1)}\n`)
    .join("---\n");
  return jobContext({ tag: "v1.1.0", ...options, files: { "pipeline.yaml": text, ...options.files } });
}

/** A step of run-pipeline against a server. */
export function runOn(server: Pick<StartedKfp, "url">, { with: inputs = {}, ...run }: ActionRun): Promise<Result> {
  const attaches = inputs.mode === "attach";
  return runAction("run-pipeline", {
    ...run,
    with: { ...(attaches ? {} : { pipeline: "pipeline.yaml" }), endpoint: server.url, ...inputs },
  });
}
