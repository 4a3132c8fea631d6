import { ReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";

/** One start of a run that is under way. */
export type Starting = {
  /** Called right before the request that starts it. Throws `CANCELLED` where its end was asked for in the meantime. */
  mayStart(): void;
};

/** Starts that are under way, so that none overtakes a cancel. */
export type Starts = {
  /** Follows `act` as the start of this run. */
  follow<T>(runId: string, act: (starting: Starting) => Promise<T>): Promise<T>;
  /** From now on no request starts this run. Resolves when one that is out already has ended, at the latest after `ms`: whether there was one. */
  stop(runId: string, clock: Clock, ms: number): Promise<boolean>;
};

export function newStarts(): Starts {
  const underWay = new Map<string, { isStopped: boolean; isOut: boolean; readonly ended: Promise<unknown> }>();
  return {
    async follow(runId, act) {
      const ended = Promise.withResolvers<void>();
      const one = { isStopped: false, isOut: false, ended: ended.promise };
      underWay.set(runId, one);
      try {
        return await act({
          mayStart: () => {
            if (one.isStopped) throw new ReleaseError("CANCELLED", { rule: `the start of run ${runId} was cancelled` });
            one.isOut = true;
          },
        });
      } finally {
        underWay.delete(runId);
        ended.resolve();
      }
    },
    async stop(runId, clock, ms) {
      const one = underWay.get(runId);
      if (one === undefined) return false;
      one.isStopped = true;
      if (!one.isOut) return false;
      const late = new AbortController();
      await Promise.race([one.ended, clock.sleep(ms, late.signal).catch(() => {})]);
      late.abort();
      return true;
    },
  };
}
