import { describe, expect, test } from "vitest";
import { type DatedKey, garbageOf, pathsNamedBy } from "../../../../actions/shared/domain/garbage.ts";
import { versionRecord } from "../../../support/version-record.ts";

const DAY = 86_400_000;
const NOW = 100 * DAY;

type Keys = Readonly<Record<string, number>>;

/** Keys with their age in days. */
function dated(keys: Keys): readonly DatedKey[] {
  return Object.entries(keys).map(([key, days]) => ({ key, size: 10, modifiedMs: NOW - days * DAY }));
}

function found(keys: Keys, records: readonly unknown[] = []) {
  const named = new Set(records.flatMap(pathsNamedBy));
  const { removable, young } = garbageOf({ keys: dated(keys), named, nowMs: NOW, olderThanMs: 7 * DAY });
  return { removable: removable.map(({ path }) => path), young: young.map(({ path }) => path) };
}

type Row = [
  why: string,
  keys: Keys,
  expected: { readonly removable?: readonly string[]; readonly young?: readonly string[] },
];

describe("what is left over", () => {
  const record = versionRecord({
    version: "1.0.0",
    folder: "digits/files/1.0.0",
    card: { key: "digits/cards/1.0.0/MODEL_CARD.md", digest: `sha256:${"c".repeat(64)}` },
  });

  test.each<Row>([
    [
      "a folder that no record names",
      { "digits/files/2/a": 8, "digits/files/2/b/c": 9 },
      { removable: ["digits/files/2"] },
    ],
    ["a marker alone", { "digits/files/2~files.json": 8 }, { removable: ["digits/files/2"] }],
    ["a card", { "digits/cards/2/M.md": 8 }, { removable: ["digits/cards/2"] }],
    ["an archive", { "digits/packages/2/model.tar.gz": 8 }, { removable: ["digits/packages/2"] }],
    ["a signature", { "digits/signatures/2/model.sig": 8 }, { removable: ["digits/signatures/2"] }],
    [
      "a folder of its own beside one that is named",
      { "digits/files/1.0.0~ab/a": 8 },
      { removable: ["digits/files/1.0.0~ab"] },
    ],
    ["what a release left that never got a version", { "digits/files/~v9/a": 8 }, { removable: ["digits/files/~v9"] }],
    ["an old claim", { "digits/claims/1.0.0.json": 8 }, { removable: ["digits/claims/1.0.0.json"] }],
    ["not the folder that a record names", { "digits/files/1.0.0/a": 8, "digits/files/1.0.0~files.json": 8 }, {}],
    ["not the card that a record names", { "digits/cards/1.0.0/MODEL_CARD.md": 8 }, {}],
    ["not what somebody put into a folder that is named", { "digits/files/1.0.0/stray": 8 }, {}],
    ["not what is young", { "digits/files/2/a": 6 }, { young: ["digits/files/2"] }],
    [
      "not what is old beside what is young",
      { "digits/files/2/a": 8, "digits/cards/2/M.md": 6 },
      { young: ["digits/cards/2", "digits/files/2"] },
    ],
    [
      "not what was claimed lately",
      { "digits/files/2~ab/a": 8, "digits/claims/2.json": 6 },
      { young: ["digits/files/2~ab"] },
    ],
    [
      "what was claimed long ago",
      { "digits/files/2/a": 8, "digits/claims/2.json": 8 },
      { removable: ["digits/claims/2.json", "digits/files/2"] },
    ],
    [
      "not kept by a claim of another place",
      { "digits/files/2.0/a": 8, "digits/claims/2.json": 6 },
      { removable: ["digits/files/2.0"] },
    ],
    [
      "not a record, an alias, a state",
      { "digits/versions/2.json": 8, "digits/aliases/a.json": 8, "digits/states/2.json": 8 },
      {},
    ],
    ["not a log, a release, a setting", { "digits/log/1.json": 8, "releases/v1.json": 8, "registry.json": 8 }, {}],
    ["not what nobody knows", { "digits/allocations/v1/a.json": 8, "digits/notes/x/y": 8, "digits/files": 8 }, {}],
  ])("is %s", (_, keys, expected) => {
    expect(found(keys, [record])).toEqual({ removable: [], young: [], ...expected });
  });

  test("is counted with all its keys, and the marker beside the folder", () => {
    const keys = dated({ "digits/files/2/a": 9, "digits/files/2/b": 8, "digits/files/2~files.json": 10 });
    const { removable } = garbageOf({ keys, named: new Set(), nowMs: NOW, olderThanMs: DAY });
    expect(removable).toEqual([
      {
        model: "digits",
        place: "2",
        kind: "files",
        path: "digits/files/2",
        keys: 3,
        bytes: 30,
        writtenMs: NOW - 8 * DAY,
      },
    ]);
  });
});

test("a record names by its key, by an address, and in fields that nobody knows", () => {
  const record = {
    folder: "digits/files/1.0.0~ab",
    later: [{ place: { uri: "s3://models/acme/digits/packages/1/model.tar.gz" } }],
    note: "copied from s3://models/acme/other/files/3.0.0/model.onnx",
  };
  expect(pathsNamedBy(record)).toEqual(["digits/files/1.0.0~ab", "digits/packages/1", "other/files/3.0.0"]);
});
