import type { Clock } from "../../actions/shared/ports/clock.ts";

type Sleeper = { readonly untilMs: number; readonly wake: () => void };

/**
 * Time that passes only when everybody sleeps: nine hours take as long as what is done in them. Whoever sleeps shortest is woken first, one
 * at a time, after all that was going on has come to rest.
 */
export function virtualClock(startMs: number): Clock {
  let nowMs = startMs;
  let isTicking = false;
  const sleepers: Sleeper[] = [];

  function tick(): void {
    const next = sleepers.shift();
    if (next === undefined) {
      isTicking = false;
      return;
    }
    nowMs = Math.max(nowMs, next.untilMs);
    next.wake();
    setImmediate(tick);
  }

  return {
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const abort = (): void => {
          sleepers.splice(sleepers.indexOf(sleeper), 1);
          reject(signal?.reason);
        };
        const sleeper: Sleeper = {
          untilMs: nowMs + ms,
          wake: () => {
            signal?.removeEventListener("abort", abort);
            resolve();
          },
        };
        const at = sleepers.findIndex((other) => other.untilMs > sleeper.untilMs);
        sleepers.splice(at < 0 ? sleepers.length : at, 0, sleeper);
        signal?.addEventListener("abort", abort, { once: true });
        if (isTicking) return;
        isTicking = true;
        setImmediate(tick);
      }),
  };
}
