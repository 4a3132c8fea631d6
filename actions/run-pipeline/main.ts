import type { Step } from "../shared/ports/step.ts";
import { conclude, keepPackage } from "./conclude.ts";
import { attach } from "./detach/attach.ts";
import { detach } from "./detach/detach.ts";
import { holdOwnRun } from "./detach/hold-own-run.ts";
import { refuseLostStore } from "./detach/lasting-store.ts";
import { finishRun } from "./follow/finish-run.ts";
import { tellLogs } from "./follow/tell-logs.ts";
import type { RunPipelineInputs } from "./inputs.ts";
import type { Outcome } from "./outcome.ts";
import { plan } from "./plan.ts";
import { prepare } from "./prepare/prepare.ts";
import { prepareManifest } from "./prepare/prepare-manifest.ts";
import type { Prepared } from "./prepare/prepared.ts";
import { decideRun, type RunDecision } from "./start/decide-run.ts";
import { findAttempts } from "./start/find-attempts.ts";
import { startRun, type ToStart } from "./start/start-run.ts";
import type { Ports, RunStep } from "./step.ts";

export async function main(step: Step<RunPipelineInputs>, ports: Ports): Promise<Outcome> {
  const { inputs, log } = step;
  if (inputs.mode === "attach") return attach(step, ports);
  if (inputs.mode === "detach") refuseLostStore(step, ports);
  const prepared = await log.group("Read and check the pipeline", async () => {
    const checked = await (inputs.manifest === undefined ? prepare(step, ports) : prepareManifest(step, ports));
    for (const line of factsOf(checked)) log.info(line);
    return checked;
  });
  const decide = () => decideFor(step, ports, prepared);
  const first = await decide();
  if (inputs.mode === "plan") return plan(step, ports, { prepared, decision: first });
  log.info(sentenceOf(first, prepared));
  const outcome = await log.group("Run", () => run(step, ports, { prepared, first, decide }));
  if (outcome.state === "ended") await tellLogs(step, outcome.logs);
  return outcome;
}

async function run(step: RunStep, ports: Ports, wanted: ToStart): Promise<Outcome> {
  const { prepared } = wanted;
  const { decision, submit } = await startRun(step, ports, wanted);
  const held = await holdOwnRun(step, ports, { prepared, decision });
  const detached = step.inputs.mode === "detach" ? await detach(step, ports, { prepared, decision, held }) : undefined;
  if (detached !== undefined) return detached;
  const finished = await finishRun(step, ports, {
    runId: decision.runId,
    facts: prepared,
    again: { submit, adopted: decision.do === "adopt" },
    onLook: async (seen) => void (await held?.renew(seen)),
  });
  if (finished.state === "goes-on") throw new RangeError("only what was attached to is handed over");
  await keepPackage(step, ports, { prepared, decision });
  const ended = await conclude(step, ports, { facts: prepared, findings: prepared.findings, decision, ...finished });
  await held?.remove();
  return ended;
}

/** What is done about this run, by what the engine has. */
async function decideFor(
  { inputs, job, release }: RunStep,
  { engine }: Ports,
  prepared: Prepared,
): Promise<RunDecision> {
  const identity = {
    releaseId: release.id,
    engine: engine.kind,
    endpoint: engine.endpoint,
    packageDigest: prepared.work.digest,
    parameters: prepared.identityParameters,
    data: prepared.data,
  };
  const namespace = `${job.github.serverUrl}/${job.github.repository}`;
  return decideRun(await findAttempts(engine, identity, namespace), inputs["on-failed"]);
}

function factsOf({ work, tasks, data, model, gpus }: Prepared): readonly string[] {
  const what =
    work.kind === "pipeline"
      ? `Pipeline ${work.name} ${work.version}: ${tasks.length} tasks, package`
      : `${work.name} ${work.version}: manifest`;
  return [
    `${what} ${work.digest}`,
    ...data.map(({ role, uri, digest, version, rows }) => {
      const size = rows === undefined ? "" : `, ${rows} rows`;
      return `Data ${role}: ${uri}, ${digest ?? version ?? "without a version"}${size}`;
    }),
    ...gpus.map(({ task, type, count }) => `Task ${task} asks for ${count} x ${type}`),
    model === undefined ? "It has no model" : `Its model is ${model.task}.${model.output}`,
  ];
}

function sentenceOf({ do: act, attempt, runId, why }: RunDecision, { work }: Prepared): string {
  const what = { submit: "starts", retry: "is tried again", adopt: "is adopted" }[act];
  return `Run ${runId} (${work.name} ${work.version}, attempt ${attempt}) ${what}: ${why}`;
}
