import type { Step } from "../shared/ports/step.ts";
import { deploy } from "./deploy.ts";
import type { DeployModelInputs } from "./inputs.ts";
import { plan } from "./modes/plan.ts";
import { promote } from "./modes/promote.ts";
import { abort, reconcile, recover } from "./modes/recover.ts";
import { replayEvidence } from "./modes/replay.ts";
import { status } from "./modes/status.ts";
import type { Outcome } from "./outcome.ts";
import type { Ports } from "./step.ts";
import { tellCatalogs } from "./tell-catalogs.ts";

export async function main(step: Step<DeployModelInputs>, ports: Ports): Promise<Outcome> {
  const outcome = await act(step, ports);
  const told = await tellCatalogs(step, ports, outcome);
  return told === undefined ? outcome : { ...outcome, told };
}

async function act(step: Step<DeployModelInputs>, ports: Ports): Promise<Outcome> {
  switch (step.inputs.mode) {
    case "deploy":
      return deploy(step, ports);
    case "plan":
      return plan(step, ports);
    case "recover":
      return recover(step, ports);
    case "reconcile":
      return reconcile(step, ports);
    case "promote":
      return promote(step, ports);
    case "abort":
      return abort(step, ports);
    case "status":
      return status(step, ports);
    case "replay":
      return replayEvidence(step);
  }
}
