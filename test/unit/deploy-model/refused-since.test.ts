import { expect, test } from "vitest";
import { refusedSince } from "../../../actions/deploy-model/rollout/refused-since.ts";
import type { Rolling } from "../../../actions/deploy-model/rollout/rolling.ts";
import { ReleaseError } from "../../../actions/shared/lib/error.ts";
import { changeState } from "../../../actions/shared/lib/model-registry/states.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { versionRecord } from "../../support/version-record.ts";

const candidate = { name: "digits", version: "1.0.0", digest: `sha256:${"a".repeat(64)}` } as const;
const act = { by: "ada", at: "2026-11-20T09:00:00Z" };

const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

function rolling(store = memoryStore()) {
  const warnings: string[] = [];
  const step = { log: { warn: (text: string) => warnings.push(text) } } as unknown as Rolling["step"];
  return { store, step, warnings };
}

test("a version that is in use goes on; one that was retired since does not, and why is said", async () => {
  const { store, step } = rolling();
  expect(await refusedSince({ store, step }, { candidate })).toBeUndefined();
  await changeState(store, { ...candidate, change: "retired", decision: { reason: "wrong on 8s", act } });
  expect(await refusedSince({ store, step }, { candidate })).toEqual({
    why: "rule",
    rule: "it was taken out of use by ada on 2026-11-20: wrong on 8s",
  });
});

test("a version whose approval ended since does not go on where one is asked for", async () => {
  const { store, step } = rolling();
  await store.create("registry.json", bytesOf({ schema: 1, aliases: { champion: { approval: true } } }));
  await store.create("digits/versions/1.0.0.json", bytesOf(versionRecord({ digest: candidate.digest })));
  await changeState(store, { ...candidate, change: "approved", decision: { reason: "load test", act } });
  expect(await refusedSince({ store, step }, { candidate })).toBeUndefined();
  await changeState(store, { ...candidate, change: "retired", decision: { reason: "wrong on 8s", act } });
  await changeState(store, { ...candidate, change: "restored", decision: { reason: "was right", act } });
  expect(await refusedSince({ store, step }, { candidate })).toMatchObject({
    why: "rule",
    rule: expect.stringContaining("nobody approved it"),
  });
});

test.each(["UNAVAILABLE", "TIMEOUT"] as const)(
  "a store that answers %s ends no rollout, which is told",
  async (code) => {
    const read = () => Promise.reject(new ReleaseError(code, { rule: "the store is away" }));
    const { store, step, warnings } = rolling({ ...memoryStore(), read });
    expect(await refusedSince({ store, step }, { candidate })).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining("the store is away")]);
  },
);

test("a state that was damaged does", async () => {
  const store = memoryStore();
  await store.create("digits/states/1.0.0.json", new TextEncoder().encode("{"));
  await expect(refusedSince(rolling(store), { candidate })).rejects.toMatchObject({ code: "INTEGRITY" });
});
