import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { runCanary } from "../../../actions/deploy-model/rollout/canary.ts";
import { prometheusTraffic } from "../../../actions/shared/clients/prometheus/traffic.ts";
import type { JournalEntry, ServedModel } from "../../../actions/shared/domain/rollout/journal-entry.ts";
import { planOf } from "../../../actions/shared/domain/rollout/traffic-plan.ts";
import { driftPolicyOf } from "../../../actions/shared/domain/traffic/drift.ts";
import { queriesOf } from "../../../actions/shared/domain/traffic/queries.ts";
import type { Target } from "../../../actions/shared/ports/target.ts";
import { deployStep } from "../../support/deploy-step.ts";
import { type FakeSeries, fakePrometheus } from "../../support/fake-prometheus.ts";
import { silentLog } from "../../support/logs.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { memoryTarget } from "../../support/memory-target.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

const folder = mkdtempSync(join(tmpdir(), "counted-canary-"));
afterAll(() => rmSync(folder, { recursive: true }));

const START = 1_800_000_000_000;
const PER_SECOND = 200;

const modelOf = (version: string, letter: string): ServedModel => ({
  name: "digits",
  version,
  digest: `sha256:${letter.repeat(64)}`,
});

type Case = {
  /** Parts of each version's answers. */
  readonly errors: { readonly candidate: number; readonly stable: number };
  /** Which part of the candidate's predictions are of class 3; of stable's it is the half. */
  readonly threes?: number;
  readonly gate?: boolean;
};

/** A canary on users' traffic that a Prometheus counts every 15 s; what each version gets follows the share from the moment it is set. */
async function canary({ errors, threes = 0.5, gate = false }: Case) {
  const clock = virtualClock(START);
  const [candidate, stable] = [modelOf("1.2.0", "c"), modelOf("1.1.0", "a")];
  const memory = memoryTarget({ serving: { stable, candidate, share: 0 }, entry: undefined });
  const shares: { readonly atMs: number; readonly share: number }[] = [{ atMs: START - 600_000, share: 0 }];
  const target: Target = {
    ...memory.target,
    serving: {
      ...memory.target.serving,
      split: async (share, holdMs) => {
        shares.push({ atMs: clock.now(), share });
        await memory.target.serving.split(share, holdMs);
      },
    },
  };
  const answered = (arm: "candidate" | "stable") => (ms: number) =>
    shares.reduce((sum, { atMs, share }, i) => {
      const seconds = Math.max(0, Math.min(ms, shares[i + 1]?.atMs ?? ms) - atMs) / 1_000;
      return sum + seconds * PER_SECOND * (arm === "candidate" ? share : 1 - share);
    }, 0);
  const prometheus = fakePrometheus(clock);
  for (const [arm, phaseMs] of [
    ["candidate", 4_000],
    ["stable", 11_000],
  ] as const) {
    const all = answered(arm);
    const part = arm === "candidate" ? threes : 0.5;
    const series = (metric: Readonly<Record<string, string>>, share: number): FakeSeries => ({
      metric: { instance: arm, pod: `${arm}-1`, ...metric },
      everyMs: 15_000,
      fromMs: START - 600_000 + phaseMs,
      valueAt: (ms) => Math.floor(all(ms) * share),
    });
    prometheus.series.push(
      series({ __name__: "requests_total" }, 1),
      series({ __name__: "errors_total" }, errors[arm]),
      series({ __name__: "predicted_total", class: "3" }, part),
      series({ __name__: "predicted_total", class: "8" }, 1 - part),
    );
  }
  const plan = planOf(
    { steps: ["5%", "50%"], lookMs: 10_000, stepMs: 120_000, bakeMs: 60_000 },
    { hasStable: true, hasExpectations: false },
    () => ({}),
  );
  const queries = queriesOf(
    {
      requests: 'requests_total{pod=~"{{pods}}"}',
      errors: 'errors_total{pod=~"{{pods}}"}',
      predictions: { counter: 'predicted_total{pod=~"{{pods}}"}', label: "class" },
    },
    undefined,
    () => ({}),
  );
  if (plan.state === "bad" || queries.state === "bad") throw new Error("no plan");
  const names = (pods: string) => ({ namespace: "prod", workload: pods, service: pods, pods: `${pods}-.+` });
  const step = deployStep({ model: "digits", folder, clock });
  const traffic = prometheusTraffic({
    prometheus,
    queries: queries.value,
    arms: async () => ({ candidate: names("candidate"), stable: names("stable") }),
    latencyBoundMs: undefined,
    drift: driftPolicyOf({ gate }),
    offsetMs: 5_000,
    patienceMs: 90_000,
    settleMs: 5_000,
    clock,
    log: silentLog,
    signal: step.signal,
  });
  const files = () => ({ "rollout-rules.yaml": JSON.stringify(traffic.watched()) });
  const entry: JournalEntry = {
    schema: 1,
    rollout: "memory/digits@1.2.0",
    target: "memory",
    release: "v1.2.0",
    by: "octocat",
    startedAtMs: START,
    candidate,
    stable,
    plan: plan.value,
    phase: "canary",
    step: 0,
    share: plan.value.rollout.shares[0] ?? 0,
    sinceMs: START,
    looks: [],
  };
  await target.journal.read();
  const end = await runCanary(
    {
      step,
      store: memoryStore(),
      target,
      traffic: { ...traffic, files },
      plan: plan.value,
      restarted: false,
    },
    entry,
  );
  return { end, traffic, minutes: (clock.now() - START) / 60_000 };
}

describe("a canary on traffic that a metrics server counts", () => {
  test("of a version as good as stable is promoted, and no share looks like another on the way", async () => {
    const { end } = await canary({ errors: { candidate: 0.004, stable: 0.004 } });
    expect(end).toMatchObject({ do: "finish" });
    expect(new Set(end.entry.looks.map(({ phase }) => phase))).toEqual(new Set(["canary", "baking"]));
    for (const { counts } of end.entry.looks) expect(counts.candidate.requests).toBeGreaterThan(0);
    expect(end.entry.counters?.candidate).toHaveProperty("requests");
    expect(end.entry.queries).toContainEqual({
      arm: "candidate",
      counter: "errors",
      query: 'errors_total{pod=~"candidate-.+"}',
    });
  });

  test("of one with ten times the errors is rolled back within minutes", async () => {
    const { end, minutes } = await canary({ errors: { candidate: 0.04, stable: 0.004 } });
    expect(end).toMatchObject({ do: "rollback", reasons: [{ why: "alarm", series: "errors" }] });
    expect(minutes).toBeLessThan(3);
  });

  test("of one that predicts other things is told so, and promoted", async () => {
    const { end, traffic } = await canary({ errors: { candidate: 0.004, stable: 0.004 }, threes: 0.9 });
    expect(end).toMatchObject({ do: "finish" });
    expect(traffic.findings()[0]).toContain("predictions differ from the champion's");
  });

  test("of one that predicts other things gets no more traffic where that is a gate", async () => {
    const { end } = await canary({ errors: { candidate: 0.004, stable: 0.004 }, threes: 0.9, gate: true });
    expect(end).toMatchObject({
      do: "rollback",
      reasons: [{ why: "rule", rule: expect.stringContaining("predictions differ from the champion's") }],
    });
    expect(Math.max(...end.entry.looks.map(({ share }) => share))).toBe(0.05);
  });

  test("leaves what watches over it beside the report as soon as it is known how it is counted", async () => {
    await canary({ errors: { candidate: 0.5, stable: 0.004 } });
    expect(readFileSync(join(folder, "rollout-rules.yaml"), "utf8")).toContain("candidate-.+");
  });
});
