import { expect, test } from "vitest";
import { ReleaseError } from "../../../../actions/shared/lib/error.ts";
import { keptLease } from "../../../../actions/shared/lib/kept-lease.ts";
import type { Clock } from "../../../../actions/shared/ports/clock.ts";
import type { Lease } from "../../../../actions/shared/ports/lease.ts";
import { silentLog } from "../../../support/logs.ts";
import { virtualClock } from "../../../support/virtual-clock.ts";

const TTL_MS = 60_000;

/** What all jobs of a test share. */
type Board = { by: string; untilMs: number };

function leaseOn(board: Board, { holder, clock }: { readonly holder: string; readonly clock: Clock }): Lease {
  const isHeld = () => board.by !== "" && board.untilMs > clock.now();
  const now = () => ({ holder: board.by, sinceMs: 0, untilMs: board.untilMs });
  const keep = () => Object.assign(board, { by: holder, untilMs: clock.now() + TTL_MS });
  return {
    take: async () => {
      if (isHeld()) return { state: "held", by: now() };
      const from = board.by === "" ? {} : { from: now() };
      keep();
      return { state: "taken", ...from };
    },
    renew: async () => {
      if (board.by !== holder) throw new ReleaseError("CONFLICT", { rule: "taken" });
      keep();
    },
    release: async () => {
      if (board.by === holder) board.by = "";
    },
    holder: async () => (isHeld() ? now() : undefined),
  };
}

function places() {
  const clock = virtualClock(1_000_000);
  const board: Board = { by: "", untilMs: 0 };
  const own = (holder: string) => leaseOn(board, { holder, clock });
  const aborted = new AbortController();
  const kept = (lease: Lease) => keptLease(lease, { everyMs: 20_000, clock, log: silentLog, signal: aborted.signal });
  return { clock, own, kept, cancel: () => aborted.abort() };
}

test("is held through what takes longer than it lasts, and free when it was given back", async () => {
  const { clock, own, kept } = places();
  const lease = kept(own("a"));
  await lease.take();
  await clock.sleep(10 * TTL_MS);
  expect(await own("b").take()).toMatchObject({ state: "held", by: { holder: "a" } });
  await lease.release();
  expect(await own("b").take()).toMatchObject({ state: "taken" });
});

test("runs out when its job is cancelled", async () => {
  const { clock, own, kept, cancel } = places();
  await kept(own("a")).take();
  cancel();
  await clock.sleep(2 * TTL_MS);
  expect(await own("b").take()).toMatchObject({ state: "taken", from: { holder: "a" } });
});

test("that was lost is told before the next change", async () => {
  const { clock, own, kept } = places();
  const first = own("a");
  let isAway = true;
  const away: Lease = {
    ...first,
    renew: async () => {
      if (isAway) throw new ReleaseError("UNAVAILABLE", { rule: "away" });
      await first.renew();
    },
  };
  const lease = kept(away);
  await lease.take();
  await clock.sleep(2 * TTL_MS);
  expect(await own("b").take()).toMatchObject({ state: "taken" });
  isAway = false;
  await clock.sleep(TTL_MS / 2);
  await expect(lease.renew()).rejects.toMatchObject({ code: "CONFLICT" });
});
