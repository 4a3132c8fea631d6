import { environmentOfJob, reviewersOfJob } from "../shared/connect/job-environment.ts";
import { connectCatalogs } from "../shared/connect/model-catalogs.ts";
import { findModelOfRun } from "../shared/connect/model-of-run.ts";
import { connectStore } from "../shared/connect/model-store.ts";
import { connectVerifier } from "../shared/connect/signature-verifier.ts";
import type { Step } from "../shared/ports/step.ts";
import { connectSigner } from "./connect-signer.ts";
import type { RegisterModelInputs } from "./inputs.ts";

export async function connect(step: Step<RegisterModelInputs>) {
  const [store, catalogs, { describeModel }, { renderModelCard }] = await Promise.all([
    connectStore(step),
    connectCatalogs(step),
    import("../shared/model/describe-model.ts"),
    import("../shared/render/model-card.ts"),
  ]);
  return {
    store,
    findModel: (place: string) => findModelOfRun(step, place),
    catalogs,
    describe: describeModel,
    writeCard: renderModelCard,
    signer: () => connectSigner(step),
    verifier: () => connectVerifier(step),
    environment: () => environmentOfJob(step),
    reviewers: (environment: string) => reviewersOfJob(step, environment),
  };
}
