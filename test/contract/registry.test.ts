import { describe } from "vitest";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { racingJobs, registryContract } from "./registry-contract.ts";

describe("many jobs at once on a folder", () => {
  registryContract(async () => {
    const folder = await temporaryFolder();
    return racingJobs(() => folderStore(folder));
  }, 3);
});
