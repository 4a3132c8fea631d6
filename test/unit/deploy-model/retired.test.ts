import { expect, test } from "vitest";
import { retiredSince } from "../../../actions/deploy-model/retired.ts";
import type { Rolling } from "../../../actions/deploy-model/rolling.ts";
import { ReleaseError } from "../../../actions/shared/lib/error.ts";
import { changeState } from "../../../actions/shared/lib/model-registry/states.ts";
import { memoryStore } from "../../support/memory-store.ts";

const candidate = { name: "digits", version: "1.0.0", digest: `sha256:${"a".repeat(64)}` } as const;
const act = { by: "ada", at: "2026-11-20T09:00:00Z" };

function rolling(store = memoryStore()) {
  const warnings: string[] = [];
  const step = { log: { warn: (text: string) => warnings.push(text) } } as unknown as Rolling["step"];
  return { store, step, warnings };
}

test("a version that is in use goes on; one that was retired since does not, and why is said", async () => {
  const { store, step } = rolling();
  expect(await retiredSince({ store, step }, { candidate })).toBeUndefined();
  await changeState(store, { ...candidate, change: "retired", decision: { reason: "wrong on 8s", act } });
  expect(await retiredSince({ store, step }, { candidate })).toEqual({
    why: "rule",
    rule: "it was taken out of use by ada on 2026-11-20: wrong on 8s",
  });
});

test.each(["UNAVAILABLE", "TIMEOUT"] as const)(
  "a store that answers %s ends no rollout, which is told",
  async (code) => {
    const read = () => Promise.reject(new ReleaseError(code, { rule: "the store is away" }));
    const { store, step, warnings } = rolling({ ...memoryStore(), read });
    expect(await retiredSince({ store, step }, { candidate })).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining("the store is away")]);
  },
);

test("a state that was damaged does", async () => {
  const store = memoryStore();
  await store.create("digits/states/1.0.0.json", new TextEncoder().encode("{"));
  await expect(retiredSince(rolling(store), { candidate })).rejects.toMatchObject({ code: "INTEGRITY" });
});
