import { connectForge } from "../shared/connect/forge.ts";
import { connectStore } from "../shared/connect/model-store.ts";
import type { Step } from "../shared/ports/step.ts";
import { forgeTexts } from "../shared/render/forge-texts.ts";
import type { ReportMetricsInputs } from "./inputs.ts";

export async function connect(step: Step<ReportMetricsInputs>) {
  return { store: await connectStore(step), forge: await connectForge(step, forgeTexts(step.hide)) };
}
