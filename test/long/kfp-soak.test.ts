import { expect, test } from "vitest";
import { soak } from "../support/soak.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const SEEDS = 1_000;

test(`in ${SEEDS} bad worlds: never a second run of one attempt, never a false success, never a run left behind, calls within the budget`, async () => {
  const folder = await temporaryFolder();
  const broken = [];
  const ends = new Map<string, number>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const one = await soak(seed, { folder });
    if (one.broken.length > 0) broken.push(one);
    for (const end of one.ends) ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  expect(broken).toEqual([]);
  // every way to end was met: else the worlds are not bad enough
  expect([...ends.keys()]).toEqual(
    expect.arrayContaining(["succeeded", "failed", "stopped", "killed", "error UNAVAILABLE"]),
  );
});
