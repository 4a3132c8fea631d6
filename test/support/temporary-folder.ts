import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, type TestContext } from "vitest";

/** A new empty folder, removed after the test; where tests run at once, each must say that it is it. */
export async function temporaryFolder(atEnd: TestContext["onTestFinished"] = onTestFinished): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "ml-release-test-")));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
