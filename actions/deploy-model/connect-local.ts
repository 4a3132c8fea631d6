import { join } from "node:path";
import type { ModelStore } from "../shared/ports/model-store.ts";
import type { Step } from "../shared/ports/step.ts";
import type { Target, TargetRequest } from "../shared/ports/target.ts";
import type { DeployModelInputs } from "./inputs.ts";

const READY_MS = 120_000;

type LocalConnection = {
  readonly request: TargetRequest;
  readonly store: ModelStore;
  /** Who takes the lease. */
  readonly holder: { readonly holder: string; readonly url?: string };
};

/** Servers on this machine behind a splitter; lease and journal are files beside them. */
export async function connectLocal(
  step: Step<DeployModelInputs>,
  { request, store, holder }: LocalConnection,
): Promise<Target> {
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
    readyTimeoutMs: inputs["ready-timeout"] ?? READY_MS,
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
  return {
    address: "local",
    serving,
    lease: fileLease({ store: beside, clock, ttlMs: 120_000, ...holder }),
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
