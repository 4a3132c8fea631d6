import { laterForge } from "../shared/connect/forge.ts";
import { environmentOfJob } from "../shared/connect/job-environment.ts";
import { connectCatalogs } from "../shared/connect/model-catalogs.ts";
import { connectStore } from "../shared/connect/model-store.ts";
import { connectVerifier } from "../shared/connect/signature-verifier.ts";
import type { ModelStore } from "../shared/ports/model-store.ts";
import type { Step } from "../shared/ports/step.ts";
import type { Target, TargetRequest } from "../shared/ports/target.ts";
import { forgeTexts } from "../shared/render/forge-texts.ts";
import type { DeployModelInputs } from "./inputs.ts";

type DeployStep = Step<DeployModelInputs>;

export async function connect(step: DeployStep) {
  const [store, catalogs] = await Promise.all([connectStore(step), connectCatalogs(step)]);
  const opened = new Map<string, Promise<Target>>();
  return {
    store,
    catalogs,
    forge: laterForge(step, forgeTexts(step.hide)),
    environment: () => environmentOfJob(step),
    verifier: () => connectVerifier(step),
    open(request: TargetRequest): Promise<Target> {
      const target = opened.get(request.name) ?? openTarget(step, request, store);
      opened.set(request.name, target);
      return target;
    },
  };
}

/** Only what the target needs is loaded. */
async function openTarget(step: DeployStep, request: TargetRequest, store: ModelStore): Promise<Target> {
  const holder = holderOf(step);
  if (step.inputs.target === "local")
    return (await import("./connect-local.ts")).connectLocal(step, { request, store, holder });
  return (await import("./connect-cluster.ts")).connectCluster(step, { request, store, holder });
}

function holderOf({ job, release }: DeployStep) {
  const { repository, runId, runAttempt } = job.github;
  const url = release.source.workflowRun?.url;
  const holder = `${repository} run ${runId || "local"} attempt ${runAttempt}`;
  return { holder, ...(url === undefined ? {} : { url }) };
}
