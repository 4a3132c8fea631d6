import { expect, test } from "vitest";
import type { Reign } from "../../../../../actions/shared/domain/catalog/catalog.ts";
import { reignsDuring, spanOf } from "../../../../../actions/shared/domain/catalog/reigns-during.ts";

function reign(version: string, from: string, until?: string): Reign {
  const move = Number(version[0]);
  const act = { by: "octocat", at: from };
  return { alias: "champion", version, digest: `sha256:${"a".repeat(64)}`, from, move, act, ...(until && { until }) };
}

const reigns = [
  reign("4", "2026-11-03T18:00:00Z"),
  reign("3", "2026-11-03T09:00:00Z", "2026-11-03T18:00:00Z"),
  reign("2", "2026-11-03T09:00:00Z", "2026-11-03T09:00:00Z"),
  reign("1", "2026-11-01T12:00:00Z", "2026-11-03T09:00:00Z"),
];

test.each<[on: string, versions: readonly string[]]>([
  ["2026-10-31", []],
  ["2026-11-01", ["1"]],
  ["2026-11-02", ["1"]],
  ["2026-11-03", ["1", "2", "3", "4"]],
  ["2026-11-04", ["4"]],
  ["2026-11-01T11:59:59Z", []],
  ["2026-11-01T12:00:00Z", ["1"]],
  ["2026-11-03T08:59:59.999Z", ["1"]],
  ["2026-11-03T10:00:00+01:00", ["2", "3"]],
  ["2026-11-03T17:59:59Z", ["3"]],
  ["2026-11-03T18:00:00Z", ["4"]],
])("on %s the champion was %j", (on, versions) => {
  const span = spanOf(on);
  expect(span).toBeDefined();
  const during = span && reignsDuring(reigns, { alias: "champion", ...span });
  expect(during?.map(({ version }) => version)).toEqual(versions);
});

test("another alias is another question", () => {
  const span = spanOf("2026-11-02");
  expect(span && reignsDuring(reigns, { alias: "staging", ...span })).toEqual([]);
});

test.each(["2026-02-30", "2026-02-30T09:00:00Z", "2026-13-01", "yesterday", "Nov 1 2026", "2026-11-01T25:00:00Z", ""])(
  "%s is no time",
  (on) => {
    expect(spanOf(on)).toBeUndefined();
  },
);
