import { describe, expect, test } from "vitest";
import type { Act, ModelEvent } from "../../../../actions/shared/domain/model-version.ts";
import { aliasKey, findAlias, listAliases, moveAlias } from "../../../../actions/shared/lib/model-registry/aliases.ts";
import { appendEvent, appendOnce, history } from "../../../../actions/shared/lib/model-registry/log.ts";
import { readRegistrySettings } from "../../../../actions/shared/lib/model-registry/settings.ts";
import { recordDigest, soundVersion } from "../../../../actions/shared/lib/model-registry/sound-version.ts";
import { createVersion, findVersion, listVersions } from "../../../../actions/shared/lib/model-registry/versions.ts";
import { folderStore } from "../../../../actions/shared/local/folder-store.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";
import { versionRecord } from "../../../support/version-record.ts";

const act: Act = { by: "octocat", at: "2026-11-21T09:00:00Z", runId: "812" };
const digest = (digit: string) => `sha256:${digit.repeat(64)}` as const;
const one = { version: "1.0.0", digest: digest("1") };
const two = { version: "1.1.0", digest: digest("2") };
const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const emptyStore = async () => folderStore(await temporaryFolder());

async function pointed(...targets: readonly (typeof one)[]) {
  const store = await emptyStore();
  for (const to of targets) {
    const expected = (await findAlias(store, "digits", "champion"))?.etag;
    await moveAlias(store, { name: "digits", alias: "champion", to, expected, act });
  }
  return store;
}

test("a version is found as it was created, and is created once", async () => {
  const store = await emptyStore();
  const record = versionRecord({ parameters: { C: 3 } });
  expect(await findVersion(store, "digits", "1.0.0")).toBeUndefined();
  expect(await createVersion(store, record)).toEqual({ state: "created" });
  expect(await createVersion(store, versionRecord({ author: "somebody" }))).toEqual({ state: "exists" });
  expect(await findVersion(store, "digits", "1.0.0")).toEqual(record);
});

test("versions and aliases are listed by name; a card beside a version is none", async () => {
  const store = await pointed(one);
  await createVersion(store, versionRecord({ version: "1.0.0" }));
  await createVersion(store, versionRecord({ version: "0.9.0" }));
  await store.create("digits/versions/1.0.0.card.abc.md", encode("card"));
  expect(await listVersions(store, "digits")).toEqual(["0.9.0", "1.0.0"]);
  expect((await listAliases(store, "digits")).map(({ alias, version }) => [alias, version])).toEqual([
    ["champion", "1.0.0"],
  ]);
});

test.each([
  ["no JSON", new TextEncoder().encode("{")],
  ["no text", new Uint8Array([0xff, 0xfe])],
  ["a higher schema", encode({ ...versionRecord(), schema: 2 })],
  ["no digest", encode({ ...versionRecord(), digest: "abc" })],
  ["another version's record", encode(versionRecord({ version: "2.0.0" }))],
])("a record that is %s is damaged", async (_, bytes) => {
  const store = await emptyStore();
  await store.create("digits/versions/1.0.0.json", bytes);
  await expect(findVersion(store, "digits", "1.0.0")).rejects.toMatchObject({ code: "INTEGRITY" });
});

test("unknown keys of a record are ignored", async () => {
  const store = await emptyStore();
  await store.create("digits/versions/1.0.0.json", encode({ ...versionRecord(), later: true }));
  expect(await findVersion(store, "digits", "1.0.0")).toEqual(versionRecord());
});

test.each([
  ["../x", "1.0.0"],
  ["digits", "../../x"],
  ["digits", "latest"],
  ["Digits", "1.0.0"],
])("the name %j with version %j is no key", async (name, version) => {
  await expect(findVersion(await emptyStore(), name, version)).rejects.toMatchObject({ code: "INPUT" });
});

test("an alias knows what it points at, what it pointed at before, who moved it and how often", async () => {
  const store = await pointed(one, two);
  expect(await findAlias(store, "digits", "champion")).toEqual({
    schema: 1,
    alias: "champion",
    ...two,
    previous: one,
    move: 2,
    logAfter: 1,
    act,
    etag: expect.any(String),
  });
});

test("an alias that was moved meanwhile is not moved, and says where it is", async () => {
  const store = await pointed(one, two);
  const move = { name: "digits", alias: "champion", to: one, act };
  for (const expected of [undefined, "stale"]) {
    expect(await moveAlias(store, { ...move, expected })).toMatchObject({ state: "lost", current: two });
  }
  expect(await findAlias(store, "digits", "champion")).toMatchObject({ ...two, move: 2 });
});

test("an alias that is there already is not moved, whatever was expected", async () => {
  const store = await pointed(one);
  const move = { name: "digits", alias: "champion", to: one, expected: "stale", act };
  expect(await moveAlias(store, move)).toMatchObject({ state: "unchanged", alias: { move: 1 } });
});

test("an etag is not the same again after an alias was moved away and back", async () => {
  const store = await pointed(one);
  const first = (await findAlias(store, "digits", "champion"))?.etag;
  for (const to of [two, one]) {
    const expected = (await findAlias(store, "digits", "champion"))?.etag;
    await moveAlias(store, { name: "digits", alias: "champion", to, expected, act });
  }
  expect(await moveAlias(store, { name: "digits", alias: "champion", to: two, expected: first, act })).toMatchObject({
    state: "lost",
  });
});

test("the log has every move with the one before", async () => {
  const store = await pointed(one, two, one);
  const moved = { schema: 1, event: "alias-moved", alias: "champion", act };
  expect(await history(store, "digits")).toEqual([
    { ...moved, ...one, move: 1 },
    { ...moved, ...two, previous: one, move: 2 },
    { ...moved, ...one, previous: two, move: 3 },
  ]);
});

test("a move that was not logged, since its process was killed, is logged by whoever comes next", async () => {
  const store = await pointed(one);
  const current = await findAlias(store, "digits", "champion");
  const unlogged = {
    schema: 1,
    alias: "champion",
    ...two,
    previous: one,
    move: 2,
    logAfter: 1,
    act: { ...act, by: "killed" },
  };
  await store.replace(aliasKey("digits", "champion"), current?.etag ?? "", encode(unlogged));
  expect(await history(store, "digits")).toHaveLength(1);
  const expected = (await findAlias(store, "digits", "champion"))?.etag;
  await moveAlias(store, { name: "digits", alias: "champion", to: one, expected, act });
  expect((await history(store, "digits")).map(({ move, act: { by } }) => [move, by])).toEqual([
    [1, "octocat"],
    [2, "killed"],
    [3, "octocat"],
  ]);
});

const registered: ModelEvent = { schema: 1, event: "registered", ...one, act };

test("an event that can happen once is in the log once, however many write it at the same time", async () => {
  const store = await emptyStore();
  const promoted: ModelEvent = { ...registered, event: "promoted" };
  await appendEvent(store, "digits", promoted);
  const numbers = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      i % 2 === 0
        ? appendOnce(store, "digits", { event: registered, after: 1 })
        : appendEvent(store, "digits", { ...promoted, reason: String(i) }),
    ),
  );
  expect(new Set(numbers.filter((_, i) => i % 2 === 0)).size).toBe(1);
  expect((await history(store, "digits")).filter(({ event }) => event === "registered")).toEqual([registered]);
});

test("events that may repeat are all told, in their order", async () => {
  const store = await emptyStore();
  const promoted: ModelEvent = { schema: 1, event: "promoted", ...one, target: "local", act };
  for (const event of [registered, promoted, promoted]) await appendEvent(store, "digits", event);
  expect((await history(store, "digits")).map(({ event }) => event)).toEqual(["registered", "promoted", "promoted"]);
});

test("entries that are appended at once get numbers of their own", async () => {
  const store = await emptyStore();
  const promoted: ModelEvent = { schema: 1, event: "promoted", ...one, act };
  const numbers = await Promise.all(Array.from({ length: 20 }, () => appendEvent(store, "digits", promoted)));
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
});

describe("the record of a version that was logged", () => {
  const key = "digits/versions/1.0.0.json";
  const wanted = { name: "digits", version: "1.0.0", input: "version" };

  async function registered() {
    const store = await emptyStore();
    for (const version of ["0.9.0", "1.0.0"]) {
      await createVersion(store, versionRecord({ version, logAfter: version === "1.0.0" ? 1 : 0 }));
      const record = await recordDigest(store, "digits", version);
      const event: ModelEvent = { schema: 1, event: "registered", version, digest: digest("a"), act };
      await appendEvent(store, "digits", { ...event, ...(record === undefined ? {} : { record }) });
    }
    return store;
  }

  async function edited(change: object) {
    const store = await registered();
    const entry = await store.read(key);
    const bytes = encode({ ...JSON.parse(new TextDecoder().decode(entry?.bytes)), ...change });
    await store.replace(key, entry?.etag ?? "", bytes);
    return store;
  }

  test("is sound as it was written", async () => {
    expect(await soundVersion(await registered(), wanted)).toEqual(versionRecord({ logAfter: 1 }));
  });

  test.each([
    ["its author", { author: "eve" }],
    ["a field of no schema", { later: true }],
    ["where the log has it", { author: "eve", logAfter: 40 }],
    ["where the log has it, to before all", { author: "eve", logAfter: -3 }],
    ["its layout only", {}],
  ])("is found out where somebody edited %s", async (_, change) => {
    await expect(soundVersion(await edited(change), wanted)).rejects.toMatchObject({
      code: "INTEGRITY",
      message: expect.stringContaining("edited by hand"),
    });
  });

  test("is taken as it is where the log knows nothing of it", async () => {
    const store = await emptyStore();
    await createVersion(store, versionRecord({ logAfter: 7 }));
    expect(await soundVersion(store, wanted)).toEqual(versionRecord({ logAfter: 7 }));
  });
});

describe("the settings of a store", () => {
  const settingsOf = async (text: string) => {
    const store = await emptyStore();
    await store.create("registry.json", new TextEncoder().encode(text));
    return readRegistrySettings(store);
  };

  test("say which aliases ask for an approval or an environment; without the file none does", async () => {
    const aliases = { live: { approval: true, environment: "production" } };
    expect(await settingsOf(JSON.stringify({ schema: 1, aliases }))).toEqual({ schema: 1, aliases });
    expect(await readRegistrySettings(await emptyStore())).toEqual({ schema: 1 });
  });

  test.each([
    [
      "a key that is not known",
      '{\n "schema": 1,\n "aliases": { "live": { "aproval": true } } }',
      "did you mean approval?",
    ],
    ["an alias that is none", '{ "schema": 1, "aliases": { "1.0": {} } }', "must be an alias"],
    ["no schema", "{}", "schema is missing"],
    ["nothing", "", "must be a mapping"],
    ["no JSON", '{ "schema": 1', "registry.json"],
  ])("with %s are refused with the place", async (_, text, message) => {
    await expect(settingsOf(text)).rejects.toMatchObject({ code: "CONFIG", message: expect.stringContaining(message) });
    await expect(settingsOf(text)).rejects.toThrow(/registry\.json/);
  });
});
