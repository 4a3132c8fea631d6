import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ociLayout } from "../../actions/shared/local/oci-layout.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { expectSoundLayout } from "./oci-layout-sound.ts";

const run = promisify(execFile);
const support = (name: string) => join(import.meta.dirname, "../support", name);
const REPOSITORY = "localhost/acme/digits/serving";

/** A process that stores an image, moves a tag and takes one away is killed at these of its touches of the disk. */
export function ociLayoutKills(choose: (points: number) => readonly number[]): void {
  test("the folder is a sound layout with each tag as it was or as it was to be", async () => {
    const counted = await prepared();
    const countFile = join(await temporaryFolder(), "count");
    expect(await runSecond(counted.folder, { ML_RELEASE_TEST_KILL_COUNT: countFile })).toBeUndefined();
    const after = await tagsOf(counted.folder);
    expect(after.old).toBeUndefined();
    const points = Number(readFileSync(countFile, "utf8"));
    expect(points).toBeGreaterThan(30);
    for (const point of choose(points)) {
      const { folder, before } = await prepared();
      expect(await runSecond(folder, { ML_RELEASE_TEST_KILL_AT: String(point) })).toBe("SIGKILL");
      // In their order: a later act has not happened before an earlier one.
      expect([before, { ...before, latest: after.latest }, after]).toContainEqual(await tagsOf(folder));
      expectSoundLayout(folder);
      expect(await runSecond(folder, {})).toBeUndefined();
      expect(await tagsOf(folder)).toEqual(after);
    }
  });
}

async function prepared() {
  const folder = join(await temporaryFolder(), "images");
  await run(process.execPath, [support("layout-kill-program.ts"), folder, "first"]);
  return { folder, before: await tagsOf(folder) };
}

async function tagsOf(folder: string) {
  const store = ociLayout(folder);
  return { latest: await store.resolve(REPOSITORY, "latest"), old: await store.resolve(REPOSITORY, "old") };
}

/** The signal that ended the program. */
async function runSecond(folder: string, env: Readonly<Record<string, string>>): Promise<string | undefined> {
  const args = ["--import", support("kill-at.ts"), support("layout-kill-program.ts"), folder, "second"];
  return run(process.execPath, args, { env: { ...process.env, ...env } }).then(
    () => undefined,
    (error: { readonly signal?: string }) => error.signal,
  );
}
