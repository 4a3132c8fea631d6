import type { Step } from "../shared/ports/step.ts";
import { alias } from "./alias.ts";
import { decideVersion } from "./decide-version.ts";
import type { RegisterModelInputs } from "./inputs.ts";
import type { Outcome } from "./outcome.ts";
import { plan } from "./plan.ts";
import { register } from "./register.ts";
import type { Ports } from "./step.ts";
import { verify } from "./verify.ts";

export async function main(step: Step<RegisterModelInputs>, ports: Ports): Promise<Outcome> {
  switch (step.inputs.mode) {
    case "register":
      return register(step, ports);
    case "plan":
      return plan(step, ports);
    case "verify":
      return verify(step, ports);
    case "alias":
      return alias(step, ports);
    case "approve":
      return decideVersion(step, ports, "approved");
    case "retire":
      return decideVersion(step, ports, "retired");
    case "restore":
      return decideVersion(step, ports, "restored");
  }
}
