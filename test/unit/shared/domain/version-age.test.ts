import { expect, test } from "vitest";
import { compareAge } from "../../../../actions/shared/domain/version-age.ts";

type Row = readonly [string, string, number];
test.each<Row>([
  ["1.0.0", "1.0.0", 0],
  ["1.2.0", "1.10.0", -1],
  ["2.0.0", "1.9.9", 1],
  ["1.0.0-rc.1", "1.0.0", -1],
  ["1.0.0-rc.2", "1.0.0-rc.10", -1],
  ["1.0.0-1", "1.0.0-a", -1],
  ["1.0.0-a", "1.0.0-a.1", -1],
  ["1.0.0+build.1", "1.0.0+build.2", 0],
])("%s against %s: %d", (a, b, order) => {
  expect(Math.sign(compareAge({ version: a }, { version: b }))).toBe(order);
  expect(Math.sign(compareAge({ version: b }, { version: a }))).toBe(order === 0 ? 0 : -order);
});

test("versions that are no semantic ones are as old as their records", () => {
  const older = { version: "blue", createdAt: "2026-11-20T00:00:00Z" };
  const newer = { version: "1.0.0", createdAt: "2026-11-21T00:00:00Z" };
  expect(compareAge(older, newer)).toBeLessThan(0);
  expect(compareAge({ version: "blue" }, newer)).toBe(0);
});
