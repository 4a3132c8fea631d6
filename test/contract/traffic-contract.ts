import { expect, test } from "vitest";
import { countsSince } from "../../actions/shared/domain/rollout/counts.ts";
import type { ArmCounts } from "../../actions/shared/domain/rollout/judge.ts";
import type { Traffic } from "../../actions/shared/ports/traffic.ts";

/** What the servers of a version themselves know that they answered. */
export type Answered = { readonly requests: number; readonly errors: number; readonly rejected: number };

export type TrafficUnderTest = {
  readonly traffic: Traffic;
  readonly url: string | undefined;
  /** Lets both versions answer for a while; resolves when all is answered. */
  pass(): Promise<void>;
  answered(): { readonly candidate: Answered; readonly stable: Answered };
};

/** What every source of counts promises. `open` gives versions that have answered before. */
export function trafficContract(open: () => Promise<TrafficUnderTest>): void {
  test("counts what each version answered between two calls, and nothing of before", async () => {
    const { traffic, url, pass, answered } = await open();
    const base = await traffic.counts();
    const before = answered();
    traffic.start(url);
    await pass();
    await traffic.stop();
    const counted = countsSince(base, await traffic.counts());
    const now = answered();
    for (const arm of ["candidate", "stable"] as const) {
      expect(now[arm].requests).toBeGreaterThan(before[arm].requests);
      expect(toldBy(counted[arm])).toEqual({
        requests: now[arm].requests - before[arm].requests,
        errors: now[arm].errors - before[arm].errors,
        rejected: now[arm].rejected - before[arm].rejected,
      });
    }
  });

  test("only grows, and says the same where nothing happens", async () => {
    const { traffic, url, pass } = await open();
    const first = await traffic.counts();
    traffic.start(url);
    await pass();
    await traffic.stop();
    const second = await traffic.counts();
    expect(await traffic.counts()).toEqual(second);
    for (const arm of ["candidate", "stable"] as const)
      expect(second[arm].requests).toBeGreaterThan(first[arm].requests);
  });

  test("has no more bad answers than answers", async () => {
    const { traffic, url, pass } = await open();
    traffic.start(url);
    await pass();
    await traffic.stop();
    const { candidate, stable } = await traffic.counts();
    for (const { series, requests, started } of [candidate, stable]) {
      expect(started).toBeGreaterThanOrEqual(requests);
      for (const tally of Object.values(series)) expect(tally?.bad ?? 0).toBeLessThanOrEqual(tally?.n ?? 0);
    }
  });

  test("ends more than once", async () => {
    const { traffic, url } = await open();
    traffic.start(url);
    await traffic.stop();
    await traffic.stop();
  });
}

function toldBy({ requests, rejected = 0, series }: ArmCounts): Answered {
  return { requests, errors: series.errors?.bad ?? 0, rejected };
}
