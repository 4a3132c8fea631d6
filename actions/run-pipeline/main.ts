import type { RunStatus } from "../shared/domain/run/task.ts";
import type { Step } from "../shared/ports/step.ts";
import { claimRun } from "./claim-run.ts";
import { conclude } from "./conclude.ts";
import { decideRun, type RunDecision } from "./decide-run.ts";
import { findAttempts } from "./find-attempts.ts";
import { followRun } from "./follow-run.ts";
import type { RunPipelineInputs } from "./inputs.ts";
import type { Outcome } from "./outcome.ts";
import { plan } from "./plan.ts";
import { type Prepared, prepare } from "./prepare.ts";
import type { Ports, RunStep } from "./step.ts";

export async function main(step: Step<RunPipelineInputs>, ports: Ports): Promise<Outcome> {
  const { inputs, log } = step;
  const prepared = await log.group("Read and check the pipeline", async () => {
    const checked = await prepare(step, ports);
    for (const line of factsOf(checked)) log.info(line);
    return checked;
  });
  const decision = await decide(step, ports, prepared);
  if (inputs.mode === "plan") return plan(step, ports, { prepared, decision });
  log.info(sentenceOf(decision, prepared));
  const ended = await log.group("Run", () => runToItsEnd(step, ports, { prepared, decision }));
  const outcome = await conclude(step, ports, { prepared, ...ended });
  for (const { task, tail } of outcome.logs) await log.group(`Last lines of ${task}`, async () => log.fenced(tail));
  return outcome;
}

/** What is done about this run, by what the engine has. */
async function decide({ inputs, job, release }: RunStep, { engine }: Ports, prepared: Prepared): Promise<RunDecision> {
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

type Deed = { readonly prepared: Prepared; readonly decision: RunDecision };
type Ending = { readonly decision: RunDecision; readonly status: RunStatus; readonly retries: number };

/** Starts what is to be started and waits for its end; tries again what may be tried again. */
async function runToItsEnd(step: RunStep, ports: Ports, { prepared, decision: first }: Deed): Promise<Ending> {
  const { inputs, log } = step;
  const { engine } = ports;
  const claimed = first.do === "submit" ? await claimRun(step, ports, first) : "known";
  // somebody else has started it in the meantime: that is an adoption
  const decision = first.do === "submit" && claimed === "known" ? await decide(step, ports, prepared) : first;
  const { runId, attempt, do: act } = decision;
  const { work, parameters, origin } = prepared;
  const request = { runId, attempt, work, parameters, origin };
  const submit = async () => {
    step.state.save({ runId, owned: true });
    await engine.submit(request);
  };
  if (act === "adopt") step.state.save({ runId, owned: false });
  else await submit();
  let status = await followRun(step, engine, runId);
  let retries = 0;
  // a run whose engine was killed under another job is taken up by this one, whatever `retries` says
  while (
    status.canRetry &&
    (status.state === "lost" ? retries < 3 : status.state === "failed" && retries < inputs.retries)
  ) {
    if (act === "adopt" && status.state === "failed") break;
    retries++;
    log.info(`Run ${runId} is ${status.state}: trying it again (${retries}), tasks that have finished are kept`);
    await submit();
    status = await followRun(step, engine, runId);
  }
  return { decision, status, retries };
}

function factsOf({ work, sites, data, model }: Prepared): readonly string[] {
  return [
    `Pipeline ${work.name} ${work.version}: ${sites.length} tasks, package ${work.digest}`,
    ...data.map(({ role, uri, digest, version, rows }) => {
      const size = rows === undefined ? "" : `, ${rows} rows`;
      return `Data ${role}: ${uri}, ${digest ?? version ?? "without a version"}${size}`;
    }),
    model === undefined ? "It has no model" : `Its model is ${model.task}.${model.output}`,
  ];
}

function sentenceOf({ do: act, attempt, runId, why }: RunDecision, { work }: Prepared): string {
  const what = { submit: "starts", retry: "is tried again", adopt: "is adopted" }[act];
  return `Run ${runId} (${work.name} ${work.version}, attempt ${attempt}) ${what}: ${why}`;
}
