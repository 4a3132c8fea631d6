import { expect, test } from "vitest";
import { holderAt, reignsOf } from "../../../../../actions/shared/domain/catalog/reigns.ts";
import type { AliasRecord, ModelEvent } from "../../../../../actions/shared/domain/model-version.ts";

const digest = `sha256:${"a".repeat(64)}` as const;

function move(version: string, number: number, at: string): ModelEvent {
  return {
    schema: 1,
    event: "alias-moved",
    alias: "champion",
    version,
    digest,
    move: number,
    act: { by: "octocat", at },
  };
}

function aliasAt(version: string, number: number, at: string): AliasRecord {
  return { schema: 1, alias: "champion", version, digest, move: number, logAfter: 0, act: { by: "octocat", at } };
}

const spans = (events: readonly ModelEvent[], aliases: readonly AliasRecord[] = []) =>
  reignsOf(events, aliases).map(({ alias, version, from, until }) => [alias, version, from, until]);

test("an alias was at a version until it was moved on, and is at the last one still", () => {
  const events = [move("1.0.0", 1, "2026-11-01T09:00:00Z"), move("1.1.0", 2, "2026-11-05T09:00:00Z")];
  expect(spans(events)).toEqual([
    ["champion", "1.1.0", "2026-11-05T09:00:00Z", undefined],
    ["champion", "1.0.0", "2026-11-01T09:00:00Z", "2026-11-05T09:00:00Z"],
  ]);
});

test("a move that a killed process did not log is known from the alias itself", () => {
  const events = [move("1.0.0", 1, "2026-11-01T09:00:00Z")];
  expect(spans(events, [aliasAt("1.1.0", 2, "2026-11-05T09:00:00Z")])[0]).toEqual([
    "champion",
    "1.1.0",
    "2026-11-05T09:00:00Z",
    undefined,
  ]);
});

test("the log may hold moves in another order than they were made", () => {
  const events = [
    move("1.1.0", 2, "2026-11-05T09:00:00Z"),
    move("1.0.0", 1, "2026-11-01T09:00:00Z"),
    { ...move("1.1.0", 1, "2026-11-04T09:00:00Z"), alias: "candidate" },
  ];
  expect(spans(events).map(([alias, version]) => `${alias} ${version}`)).toEqual([
    "champion 1.1.0",
    "candidate 1.1.0",
    "champion 1.0.0",
  ]);
});

test("a clock that is late makes no version lose the alias before it had it", () => {
  const events = [move("1.0.0", 1, "2026-11-05T09:00:00Z"), move("1.1.0", 2, "2026-11-05T08:00:00Z")];
  expect(spans(events)).toEqual([
    ["champion", "1.1.0", "2026-11-05T09:00:00Z", undefined],
    ["champion", "1.0.0", "2026-11-05T09:00:00Z", "2026-11-05T09:00:00Z"],
  ]);
});

test.each([
  ["2026-11-01T08:59:59Z", undefined],
  ["2026-11-01T09:00:00Z", "1.0.0"],
  ["2026-11-05T08:59:59Z", "1.0.0"],
  ["2026-11-05T09:00:00Z", "1.1.0"],
  ["2026-11-10T00:00:00Z", "1.0.0"],
])("at %s the champion was %s", (at, version) => {
  const events = [
    move("1.0.0", 1, "2026-11-01T09:00:00Z"),
    move("1.1.0", 2, "2026-11-05T09:00:00Z"),
    move("1.0.0", 3, "2026-11-06T09:00:00Z"),
  ];
  expect(holderAt(reignsOf(events, []), "champion", at)?.version).toBe(version);
});
