import { storeFolder } from "../shared/lib/store-folder.ts";
import type { Step } from "../shared/ports/step.ts";
import type { RegisterModelInputs } from "./inputs.ts";

export async function connect({ inputs, job }: Step<RegisterModelInputs>) {
  const [{ folderStore }, { describeModel }] = await Promise.all([
    import("../shared/local/folder-store.ts"),
    import("../shared/model/describe-model.ts"),
  ]);
  return { store: folderStore(storeFolder(inputs, job)), describe: describeModel };
}
