import { expect, test } from "vitest";
import type { Decision, VersionChange } from "../../../../actions/shared/domain/version-state.ts";
import { history } from "../../../../actions/shared/lib/model-registry/log.ts";
import { changeState, findState, stateKey } from "../../../../actions/shared/lib/model-registry/states.ts";
import { folderStore } from "../../../../actions/shared/local/folder-store.ts";
import type { ModelStore } from "../../../../actions/shared/ports/model-store.ts";
import { memoryStore } from "../../../support/memory-store.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const subject = { name: "digits", version: "1.0.0", digest: `sha256:${"a".repeat(64)}` } as const;

const made = (by: string, reason = "because"): Decision => ({ reason, act: { by, at: "2026-11-21T09:00:00Z" } });

const change = (store: ModelStore, what: VersionChange, decision = made("ada")) =>
  changeState(store, { ...subject, change: what, decision });

const logged = async (store: ModelStore) =>
  (await history(store, "digits")).map(({ event, move, act, reason }) => [event, move, act.by, reason]);

test("decisions are kept in order, each with who and why, in the state and in the log", async () => {
  const store = memoryStore();
  expect(await findState(store, subject)).toBeUndefined();
  await change(store, "approved", { ...made("ada", "load test passed"), environment: "production" });
  expect((await findState(store, subject))?.approvals).toEqual([
    { reason: "load test passed", environment: "production", act: { by: "ada", at: "2026-11-21T09:00:00Z" } },
  ]);
  await change(store, "retired", made("bob", "wrong on 8s"));
  await change(store, "restored", made("eve", "it was the data"));
  expect(await findState(store, subject)).toMatchObject({ state: "in-use", approvals: [], changes: 3 });
  expect(await logged(store)).toEqual([
    ["approved", 1, "ada", "load test passed"],
    ["retired", 2, "bob", "wrong on 8s"],
    ["restored", 3, "eve", "it was the data"],
  ]);
  expect((await history(store, "digits"))[0]).toMatchObject({ environment: "production", digest: subject.digest });
});

test("what stands already is not written again", async () => {
  const store = memoryStore();
  expect(await change(store, "restored")).toEqual({ state: "unchanged", now: undefined });
  await change(store, "retired");
  expect(await change(store, "retired", made("bob", "other words"))).toMatchObject({ state: "unchanged" });
  expect(await logged(store)).toEqual([["retired", 1, "ada", "because"]]);
});

test("a retired version is not approved, and nothing is written", async () => {
  const store = memoryStore();
  await change(store, "retired");
  await expect(change(store, "approved")).rejects.toMatchObject({ code: "REFUSED" });
  expect(await findState(store, subject)).toMatchObject({ state: "retired", changes: 1 });
});

test("a decision whose writer was killed before the log is logged by whoever decides next", async () => {
  const store = memoryStore();
  const dying: ModelStore = {
    ...store,
    create: async (key, body) => {
      if (key.includes("/log/")) throw new Error("killed");
      return await store.create(key, body);
    },
  };
  await expect(change(dying, "approved")).rejects.toThrow("killed");
  expect(await logged(store)).toEqual([]);
  await change(store, "retired", made("bob"));
  expect(await logged(store)).toEqual([
    ["approved", 1, "ada", "because"],
    ["retired", 2, "bob", "because"],
  ]);
});

test("the same decision, run again after its writer was killed, completes the log", async () => {
  const store = memoryStore();
  const dying: ModelStore = {
    ...store,
    create: async (key, body) =>
      key.includes("/log/") ? Promise.reject(new Error("killed")) : store.create(key, body),
  };
  await expect(change(dying, "approved")).rejects.toThrow("killed");
  expect(await change(store, "approved")).toMatchObject({ state: "unchanged" });
  expect(await logged(store)).toEqual([["approved", 1, "ada", "because"]]);
});

test("no decision is lost where sixteen are made at once", async () => {
  const folder = await temporaryFolder();
  const people = Array.from({ length: 16 }, (_, i) => `person-${i}`);
  await Promise.all(people.map((by) => change(folderStore(folder), "approved", made(by))));
  const store = folderStore(folder);
  const by = (await findState(store, subject))?.approvals.map(({ act }) => act.by);
  expect(new Set(by)).toEqual(new Set(people));
  expect((await logged(store)).map(([, move, who]) => [move, who])).toEqual(by?.map((who, i) => [i + 1, who]));
});

test.each([
  ["another version", { version: "2.0.0" }],
  ["another digest", { digest: `sha256:${"b".repeat(64)}` }],
  ["an unknown state", { state: "asleep" }],
])("a state of %s is damaged", async (_, other) => {
  const store = memoryStore();
  await change(store, "approved");
  const entry = await store.read(stateKey("digits", "1.0.0"));
  const edited = { ...JSON.parse(new TextDecoder().decode(entry?.bytes)), ...other };
  await store.replace(stateKey("digits", "1.0.0"), entry?.etag ?? "", new TextEncoder().encode(JSON.stringify(edited)));
  await expect(findState(store, subject)).rejects.toMatchObject({ code: "INTEGRITY" });
});
