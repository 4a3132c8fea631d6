import { test } from "vitest";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { raceForVersions, racingJobs } from "../contract/registry-contract.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

test("16 jobs on a folder take the next free version number, 50 times over, and each gets another one", async () => {
  const folder = await temporaryFolder();
  await raceForVersions(
    racingJobs(() => folderStore(folder)),
    50,
  );
});
