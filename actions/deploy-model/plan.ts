import type { Outcome } from "./outcome.ts";
import { prepare } from "./prepare.ts";
import type { DeployStep, Ports } from "./step.ts";

/** What a rollout would do, and how long a decision would take. Starts and writes nothing. */
export async function plan(step: DeployStep, ports: Ports): Promise<Outcome> {
  const { record, stable, standing, plan: trafficPlan, forecast, rehearsal, url } = await prepare(step, ports);
  return {
    target: step.inputs.target,
    rehearsal,
    allowHold: step.inputs["allow-hold"],
    url,
    state: "planned",
    candidate: record,
    stable,
    standing,
    plan: trafficPlan,
    forecast,
  };
}
