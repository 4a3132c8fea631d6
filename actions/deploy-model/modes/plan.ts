import type { Outcome } from "../outcome.ts";
import { prepare } from "../prepare/prepare.ts";
import type { DeployStep, Ports } from "../step.ts";

/** What a rollout would do, what it would change, and how long a decision would take. Starts and writes nothing. */
export async function plan(step: DeployStep, ports: Ports): Promise<Outcome> {
  const prepared = await prepare(step, ports);
  const { record, candidate, stable, standing, forecast, metrics, strategy, rehearsal, url, target } = prepared;
  const preview = standing.do === "deploy" ? await target.serving.preview(candidate) : undefined;
  return {
    target: target.address,
    rehearsal,
    allowHold: step.inputs["allow-hold"],
    url,
    state: "planned",
    candidate: record,
    stable,
    standing,
    strategy,
    plan: prepared.plan,
    forecast,
    traffic: metrics?.traffic,
    preview,
    notes: metrics?.notes ?? [],
  };
}
