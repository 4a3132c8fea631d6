import { expect, test } from "vitest";
import { runCanary } from "../../../actions/deploy-model/rollout/canary.ts";
import type { Rolling } from "../../../actions/deploy-model/rollout/rolling.ts";
import type { JournalEntry, ServedModel } from "../../../actions/shared/domain/rollout/journal-entry.ts";
import type { ArmCounts, Counts } from "../../../actions/shared/domain/rollout/judge.ts";
import { planOf } from "../../../actions/shared/domain/rollout/traffic-plan.ts";
import type { Clock } from "../../../actions/shared/ports/clock.ts";
import type { Traffic } from "../../../actions/shared/ports/traffic.ts";
import { deployStep } from "../../support/deploy-step.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { type MemoryTarget, memoryTarget } from "../../support/memory-target.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

const MINUTE = 60_000;

const modelOf = (version: string, letter: string): ServedModel => ({
  name: "digits",
  version,
  digest: `sha256:${letter.repeat(64)}`,
});

const made = planOf(
  { steps: ["10%", "50%"], lookMs: 10_000, stepMs: 2 * MINUTE, maxStepMs: 8 * MINUTE, bakeMs: MINUTE },
  { hasStable: true, hasExpectations: false },
  () => ({}),
);
if (made.state === "bad") throw new Error("no plan");
const plan = made.value;

const entry: JournalEntry = {
  schema: 1,
  rollout: "memory/digits@1.2.0",
  target: "memory",
  release: "v1.2.0",
  by: "octocat",
  startedAtMs: 0,
  candidate: modelOf("1.2.0", "c"),
  stable: modelOf("1.1.0", "a"),
  plan,
  phase: "canary",
  step: 0,
  share: 0.1,
  sinceMs: 0,
  looks: [],
};

/** The rates of errors at a moment. */
type Weather = (ms: number) => { readonly candidate: number; readonly stable: number };

/** 100 requests/s, split as the target has it; errors at exactly the rates of the moment. */
function steadyTraffic(clock: Clock, target: MemoryTarget, weather: Weather): Traffic {
  const sums = { candidate: { n: 0, bad: 0 }, stable: { n: 0, bad: 0 } };
  let atMs = clock.now();
  let share = 0.1;
  const armOf = ({ n, bad }: { readonly n: number; readonly bad: number }): ArmCounts => {
    const whole = { n: Math.floor(n), bad: Math.floor(bad) };
    return { started: whole.n, requests: whole.n, rejected: 0, series: { errors: whole } };
  };
  return {
    start: () => {},
    counts: async (): Promise<Counts> => {
      for (; atMs < clock.now(); atMs += 1_000) {
        const rates = weather(atMs);
        for (const [arm, part] of [["candidate", share] as const, ["stable", 1 - share] as const]) {
          sums[arm].n += 100 * part;
          sums[arm].bad += 100 * part * rates[arm];
        }
      }
      share = target.serving().share;
      return { candidate: armOf(sums.candidate), stable: armOf(sums.stable) };
    },
    differing: () => [],
    stop: async () => {},
  };
}

async function roll(weather: Weather) {
  const clock = virtualClock(0);
  const target = memoryTarget({
    serving: { stable: modelOf("1.1.0", "a"), candidate: modelOf("1.2.0", "c"), share: 0 },
    entry: undefined,
  });
  const step = deployStep({ model: "digits", folder: "/nonexistent", clock });
  const traffic = steadyTraffic(clock, target, weather);
  const rolling: Rolling = {
    step,
    store: memoryStore(() => 0),
    target: target.target,
    traffic,
    plan,
    restarted: false,
  };
  const end = await runCanary(rolling, entry);
  const shares = end.entry.looks.map(({ atMs, share }) => ({ atMs, share }));
  return { end, shareAt: (ms: number) => shares.findLast(({ atMs }) => atMs <= ms)?.share };
}

const both = (rate: number) => ({ candidate: rate, stable: rate });

test("a rollout goes on by itself when the incident is over, and no share is raised in the middle of it", async () => {
  const { end, shareAt } = await roll((ms) => both(ms >= 0.7 * MINUTE && ms < 4 * MINUTE ? 0.15 : 0.015));
  expect(end.do).toBe("finish");
  expect([shareAt(0.7 * MINUTE), shareAt(4 * MINUTE)]).toEqual([0.1, 0.1]);
  const verdicts = end.entry.looks
    .filter(({ atMs }) => atMs > MINUTE && atMs < 4 * MINUTE)
    .map(({ verdict }) => verdict);
  expect([...new Set(verdicts)]).toEqual(["inconclusive"]);
});

test("an incident that does not end holds the rollout with its own reason, which is no word against the model", async () => {
  const { end, shareAt } = await roll((ms) => both(ms >= 0.7 * MINUTE ? 0.15 : 0.015));
  expect(end).toMatchObject({ do: "hold", reasons: [{ why: "incident", series: "errors" }] });
  expect(end.entry.looks.at(-1)).toMatchObject({ verdict: "inconclusive", next: "hold", waitedMs: 8 * MINUTE });
  expect(shareAt(8 * MINUTE)).toBe(0.1);
});

test("a candidate that is worse than stable is rolled back in the middle of an incident too", async () => {
  const { end } = await roll((ms) => (ms >= 0.7 * MINUTE ? { candidate: 0.45, stable: 0.15 } : both(0.015)));
  expect(end).toMatchObject({ do: "rollback", reasons: [{ why: "alarm", series: "errors" }] });
});

test("a candidate that alone gets worse is no incident", async () => {
  const { end } = await roll((ms) => ({ candidate: ms >= 0.7 * MINUTE ? 0.15 : 0.015, stable: 0.015 }));
  expect(end).toMatchObject({ do: "rollback", reasons: [{ why: "alarm", series: "errors" }] });
});
