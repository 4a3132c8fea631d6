import { afterAll, expect, test } from "vitest";
import { soak } from "../support/soak.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

// A thousand bad worlds: never a second run of one attempt, never a false success, never a run left behind, calls within the budget.
const AT_ONCE = 50;
const firsts = Array.from({ length: 1_000 / AT_ONCE }, (_, i) => 1 + i * AT_ONCE);
const ends = new Set<string>();

test.each(firsts)(`keeps its promises in ${AT_ONCE} bad worlds from %i on`, async (first) => {
  const folder = await temporaryFolder();
  const broken = [];
  for (let seed = first; seed < first + AT_ONCE; seed++) {
    const one = await soak(seed, { folder });
    if (one.broken.length > 0) broken.push(one);
    for (const end of one.ends) ends.add(end);
  }
  expect(broken).toEqual([]);
});

// every way to end was met: else the worlds are not bad enough
afterAll(() => {
  const wanted = ["succeeded", "failed", "stopped", "not cancelled", "killed", "error UNAVAILABLE"];
  expect([...ends]).toEqual(expect.arrayContaining(wanted));
});
