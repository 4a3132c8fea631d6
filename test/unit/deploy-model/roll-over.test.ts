import { describe, expect, test } from "vitest";
import { noTraffic } from "../../../actions/deploy-model/rollout/no-traffic.ts";
import { rollOver } from "../../../actions/deploy-model/rollout/roll-over.ts";
import type { Rolling } from "../../../actions/deploy-model/rollout/rolling.ts";
import type { JournalEntry, ServedModel } from "../../../actions/shared/domain/rollout/journal-entry.ts";
import { planOf } from "../../../actions/shared/domain/rollout/traffic-plan.ts";
import { ReleaseError } from "../../../actions/shared/lib/error.ts";
import { changeState } from "../../../actions/shared/lib/model-registry/states.ts";
import type { Served } from "../../../actions/shared/ports/serving.ts";
import { deployStep } from "../../support/deploy-step.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { memoryTarget } from "../../support/memory-target.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

const modelOf = (version: string, letter: string): ServedModel => ({
  name: "digits",
  version,
  digest: `sha256:${letter.repeat(64)}`,
});
const CANDIDATE = modelOf("1.2.0", "c");
const STABLE = modelOf("1.1.0", "a");

const made = planOf({ bakeMs: 60_000 }, { hasStable: true, hasExpectations: false }, () => ({}));
if (made.state === "bad") throw new Error("no plan");
const plan = made.value;

const ENTRY: JournalEntry = {
  schema: 1,
  rollout: "memory/digits@1.2.0",
  target: "memory",
  release: "v1.2.0",
  by: "octocat",
  startedAtMs: 0,
  candidate: CANDIDATE,
  stable: STABLE,
  strategy: "rolling",
  plan,
  phase: "staging",
  step: 0,
  share: 0,
  sinceMs: 0,
  looks: [],
};

/** A rollout at a target where 1.1.0 serves; what a version says of itself may be changed. */
async function rolling(change: (served: Served) => Served | Promise<Served> = (served) => served) {
  const memory = memoryTarget({ serving: { stable: STABLE, share: 0 }, entry: ENTRY });
  await memory.target.journal.read();
  const store = memoryStore();
  const clock = virtualClock(1_790_000_000_000);
  const usual = deployStep({ model: "digits", folder: "/nowhere", clock });
  const step = { ...usual, inputs: { ...usual.inputs, smoke: "/healthz" } };
  const { serving } = memory.target;
  const target = {
    ...memory.target,
    serving: {
      ...serving,
      apply: async (...args: Parameters<typeof serving.apply>) => change(await serving.apply(...args)),
      current: async () => {
        const now = await serving.current();
        return now.stable === undefined ? now : { ...now, stable: await change(now.stable) };
      },
    },
  };
  const it: Rolling = { step, store, target, traffic: noTraffic, plan, restarted: false };
  return { memory, store, clock, roll: () => rollOver(it, ENTRY, []) };
}

test("a version that comes up, answers and stays up takes the place of stable", async () => {
  const { memory, clock, roll } = await rolling();
  const began = clock.now();
  expect(await roll()).toMatchObject({ do: "finish", entry: { phase: "baking", share: 1 } });
  expect(memory.serving()).toEqual({ stable: CANDIDATE, share: 0 });
  expect(clock.now() - began).toBeGreaterThanOrEqual(60_000);
});

test("the journal says that it may have everything before the first pod is changed", async () => {
  const { memory, roll } = await rolling();
  await roll();
  const changed = memory.past.find(({ serving }) => serving.stable?.digest === CANDIDATE.digest);
  expect(changed?.entry).toMatchObject({ phase: "promoting", share: 1 });
});

describe("goes back", () => {
  const only = (served: Served, change: Partial<Served>): Served =>
    served.model.digest === CANDIDATE.digest ? { ...served, ...change } : served;

  test("where its pods do not come up, with their reason", async () => {
    const { roll } = await rolling(({ model }) => {
      throw new ReleaseError("COMMAND", { rule: `the image of ${model.version} cannot be pulled` });
    });
    expect(await roll()).toMatchObject({
      do: "rollback",
      reasons: [{ why: "smoke", what: expect.stringContaining("cannot be pulled") }],
    });
  });

  test("where it does not pass its smoke test", async () => {
    const ask = async () => ({ status: 500, text: "boom", ms: 1 });
    const { roll } = await rolling((served) => only(served, { ask }));
    expect(await roll()).toMatchObject({ reasons: [{ why: "smoke", what: expect.stringContaining("500: boom") }] });
  });

  test("where it ends while it is watched", async () => {
    const { roll } = await rolling((served) => only(served, { ended: "its container ended: out of memory" }));
    expect(await roll()).toMatchObject({
      do: "rollback",
      reasons: [{ why: "ended", arm: "candidate", how: expect.stringContaining("out of memory") }],
    });
  });

  test("where it was taken out of use meanwhile; then nothing is changed at all", async () => {
    const { memory, store, roll } = await rolling();
    const act = { by: "ada", at: "2026-11-20T09:00:00Z" };
    await changeState(store, { ...CANDIDATE, change: "retired", decision: { reason: "wrong on 8s", act } });
    expect(await roll()).toMatchObject({ do: "rollback", reasons: [{ why: "rule" }] });
    expect(memory.serving()).toEqual({ stable: STABLE, share: 0 });
  });
});

test("somebody else's version in its place is held, not taken for its own", async () => {
  let looks = 0;
  const { roll } = await rolling((served) => {
    looks += 1;
    return looks > 2 ? { ...served, model: modelOf("2.0.0", "e") } : served;
  });
  expect(await roll()).toMatchObject({ do: "hold", reasons: [{ why: "foreign" }] });
});
