import { expect, test } from "vitest";
import { readPlace } from "../../../../actions/shared/runner/job.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

test("steps by hand in one workspace share a job's folder, another workspace has its own", async () => {
  const [one, other] = [await temporaryFolder(), await temporaryFolder()];
  const tempOf = async (workspace: string) =>
    (await readPlace({ GITHUB_WORKSPACE: workspace, PATH: process.env.PATH })).temp;
  expect(await tempOf(one)).toBe(await tempOf(one));
  expect(await tempOf(other)).not.toBe(await tempOf(one));
});
