import { afterAll, beforeAll, expect, test } from "vitest";
import { servingMachine } from "../../support/deploy-adder.ts";
import { killRollout } from "../../support/kill-rollout.ts";

let serves: Awaited<ReturnType<typeof servingMachine>>;
beforeAll(async () => {
  serves = await servingMachine();
});
afterAll(() => serves.remove());

// A sample of test/long/rollout-kills.test.ts: a start, a share, a look, and what comes next.
test.each([
  { write: 3, when: "after", mend: "again" },
  { write: 5, when: "before", mend: "recover" },
  { write: 8, when: "after", mend: "recover" },
  { write: 11, when: "before", mend: "again" },
  { write: 14, when: "after", mend: "again" },
] as const)("killed $when write $write, then $mend: safe", async (point) => {
  const version = `1.${point.write}.${point.when === "after" ? 1 : 0}`;
  expect(await killRollout(serves.machine, serves.url, { ...point, version })).toBe("killed");
});
