import { describe, expect, test } from "vitest";
import { systemClock } from "../../../../actions/shared/lib/clock.ts";
import { poll } from "../../../../actions/shared/lib/poll.ts";

/** A clock that only sleeping moves. */
function fakeClock() {
  let now = 1_000_000;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    sleep: async (ms: number, signal?: AbortSignal) => {
      signal?.throwIfAborted();
      slept.push(ms);
      now += ms;
    },
  };
}

describe("a poll", () => {
  test("looks at once, and answers with the first answer", async () => {
    const clock = fakeClock();
    expect(await poll({ clock, delayMs: 10, look: async () => "there" })).toBe("there");
    expect(clock.slept).toEqual([]);
  });

  test("may pause longer the longer it has waited", async () => {
    const clock = fakeClock();
    const seen: number[] = [];
    const look = async (waitedMs: number) => {
      seen.push(waitedMs);
      return waitedMs >= 70 ? "done" : undefined;
    };
    await poll({ clock, delayMs: (waitedMs) => 10 + waitedMs, look });
    expect(seen).toEqual([0, 10, 30, 70]);
  });

  test("ends at its deadline, after a last look", async () => {
    const clock = fakeClock();
    const problem = (waitedMs: number) => ({ rule: `waited ${waitedMs} ms`, hint: "set start-timeout higher" });
    const waiting = poll({ clock, delayMs: 40, look: async () => undefined, deadline: { ms: 100, problem } });
    await expect(waiting).rejects.toThrow("[TIMEOUT] waited 100 ms; set start-timeout higher");
    expect(clock.slept).toEqual([40, 40, 20]);
  });

  test("takes an answer that is there at the deadline", async () => {
    const clock = fakeClock();
    const look = async (waitedMs: number) => (waitedMs >= 100 ? "just" : undefined);
    expect(await poll({ clock, delayMs: 60, look, deadline: { ms: 100, problem: () => ({ rule: "late" }) } })).toBe(
      "just",
    );
  });

  test("rejects with the signal's reason", async () => {
    const abort = new AbortController();
    const look = async () => abort.abort("enough") as undefined;
    await expect(poll({ clock: fakeClock(), signal: abort.signal, delayMs: 1, look })).rejects.toBe("enough");
  });
});

describe("the system's clock", () => {
  test("sleeps, and wakes early on abort", async () => {
    const abort = new AbortController();
    const long = systemClock.sleep(60_000, abort.signal);
    await systemClock.sleep(5);
    abort.abort("reason");
    await expect(long).rejects.toBe("reason");
    await expect(systemClock.sleep(1, abort.signal)).rejects.toBe("reason");
  });
});
