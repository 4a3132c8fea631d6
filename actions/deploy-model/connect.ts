import { join } from "node:path";
import { environmentOfJob } from "../shared/connect/job-environment.ts";
import { connectCatalogs } from "../shared/connect/model-catalogs.ts";
import { connectStore } from "../shared/connect/model-store.ts";
import { connectVerifier } from "../shared/connect/signature-verifier.ts";
import type { ModelStore } from "../shared/ports/model-store.ts";
import type { Step } from "../shared/ports/step.ts";
import type { Target, TargetRequest } from "../shared/ports/target.ts";
import type { DeployModelInputs } from "./inputs.ts";

type DeployStep = Step<DeployModelInputs>;

export async function connect(step: DeployStep) {
  const [store, catalogs] = await Promise.all([connectStore(step), connectCatalogs(step)]);
  const opened = new Map<string, Promise<Target>>();
  return {
    store,
    catalogs,
    environment: () => environmentOfJob(step),
    verifier: () => connectVerifier(step),
    open(request: TargetRequest): Promise<Target> {
      const target = opened.get(request.name) ?? openLocal(step, request, store);
      opened.set(request.name, target);
      return target;
    },
  };
}

async function openLocal(step: DeployStep, request: TargetRequest, store: ModelStore): Promise<Target> {
  const { inputs, job, clock, log, signal } = step;
  const [{ folderStore }, { ociLayout }, { findEngine }, { localServing }, { fileLease }, { fileJournal }, traffic] =
    await Promise.all([
      import("../shared/local/folder-store.ts"),
      import("../shared/local/oci-layout.ts"),
      import("../shared/local/container-engine.ts"),
      import("../shared/local/serving/local-serving.ts"),
      import("../shared/local/serving/file-lease.ts"),
      import("../shared/local/serving/file-journal.ts"),
      import("../shared/local/serving/payload-traffic.ts"),
    ]);
  const folder = join(job.home, "serving", request.name);
  const beside = folderStore(folder);
  let engine: ReturnType<typeof findEngine> | undefined;
  const host = { env: job.childEnv, cwd: job.temp, signal, layout: ociLayout(join(job.home, "images")) };
  const serving = localServing({
    folder,
    store,
    how:
      request.version === undefined
        ? undefined
        : {
            version: request.version,
            as: inputs["serve-as"],
            image: request.image,
            command: request.command,
            env: inputs["serve-env"] ?? {},
            context: inputs["serve-context"],
          },
    imageName: inputs.image,
    keep: job.ephemeral ? false : inputs.keep,
    port: inputs.port,
    readyTimeoutMs: inputs["ready-timeout"],
    requestTimeoutMs: request.plan?.requestTimeoutMs ?? 10_000,
    latencyBoundMs: request.plan?.latencyBoundMs,
    childEnv: job.childEnv,
    temp: join(job.temp, "ml-release", "images"),
    clock,
    log,
    signal,
    findEngine: () => {
      engine ??= findEngine(host);
      return engine;
    },
  });
  const { github } = job;
  const holder = `${github.repository} run ${github.runId || "local"} attempt ${github.runAttempt}`;
  return {
    serving,
    lease: fileLease({ store: beside, holder, clock, ttlMs: 120_000, ...linkOf(step) }),
    journal: fileJournal(beside),
    traffic: (payloads, plan) =>
      traffic.payloadTraffic({
        serving,
        model: request.name,
        payloads,
        rate: plan.rate,
        requestTimeoutMs: plan.requestTimeoutMs,
        hasLatencyBound: plan.latencyBoundMs !== undefined,
      }),
  };
}

function linkOf({ release }: DeployStep) {
  const url = release.source.workflowRun?.url;
  return url === undefined ? {} : { url };
}
