import { connectStore } from "../shared/connect/model-store.ts";
import type { Step } from "../shared/ports/step.ts";
import type { RegisterModelInputs } from "./inputs.ts";

export async function connect(step: Step<RegisterModelInputs>) {
  const [store, { describeModel }, { renderModelCard }] = await Promise.all([
    connectStore(step),
    import("../shared/model/describe-model.ts"),
    import("../shared/render/model-card.ts"),
  ]);
  return { store, describe: describeModel, writeCard: renderModelCard };
}
