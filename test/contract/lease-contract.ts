import { expect, test } from "vitest";
import type { Lease } from "../../actions/shared/ports/lease.ts";

export type LeaseUnderTest = {
  /** The same lease as another job sees it. */
  lease(holder: string): Lease;
  passMs(ms: number): void;
  /** How much later than said it may run out, where the time is not known better. */
  readonly precisionMs: number;
};

/** What every lease promises; it runs out 60 s after it was taken or renewed. */
export function leaseContract(open: () => Promise<LeaseUnderTest>): void {
  test("is free, then held, and says by whom and until when", async () => {
    const { lease, precisionMs } = await open();
    expect(await lease("a").holder()).toBeUndefined();
    expect(await lease("a").take()).toEqual({ state: "taken" });
    const seen = await lease("b").take();
    if (seen.state !== "held") throw new Error("two have it");
    const { sinceMs, untilMs, ...by } = seen.by;
    expect(by).toEqual({ holder: "a" });
    expect(sinceMs - 1_000_000).toBeGreaterThanOrEqual(0);
    expect(sinceMs - 1_000_000).toBeLessThanOrEqual(precisionMs);
    expect(untilMs - sinceMs).toBe(60_000);
  });

  test("can be taken again once it was given back", async () => {
    const { lease } = await open();
    const first = lease("a");
    await first.take();
    await first.release();
    expect(await lease("b").holder()).toBeUndefined();
    expect(await lease("b").take()).toEqual({ state: "taken" });
  });

  test("lives on while it is renewed", async () => {
    const { lease, passMs } = await open();
    const first = lease("a");
    await first.take();
    passMs(50_000);
    await first.renew();
    passMs(50_000);
    expect(await lease("b").take()).toMatchObject({ state: "held", by: { holder: "a" } });
  });

  test("that ran out goes to the next, and its holder cannot renew or release it any more", async () => {
    const { lease, passMs, precisionMs } = await open();
    const [first, second] = [lease("a"), lease("b")];
    await first.take();
    passMs(60_001 + precisionMs);
    expect(await second.take()).toMatchObject({ state: "taken", from: { holder: "a" } });
    await expect(first.renew()).rejects.toMatchObject({ code: "CONFLICT" });
    await first.release();
    expect(await lease("c").take()).toMatchObject({ state: "held", by: { holder: "b" } });
  });

  test("is not given back by who never had it", async () => {
    const { lease } = await open();
    await lease("a").take();
    await lease("b").release();
    expect(await lease("b").holder()).toMatchObject({ holder: "a" });
  });
}
