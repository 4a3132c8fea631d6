import type { Clock } from "../ports/clock.ts";
import type { Lease } from "../ports/lease.ts";
import type { Log } from "../ports/log.ts";
import { isReleaseError } from "./error.ts";
import { actsInTurn } from "./in-turn.ts";

export type KeptLeaseOptions = {
  /** How often; a third of what it lasts, or less. */
  readonly everyMs: number;
  readonly clock: Clock;
  readonly log: Pick<Log, "debug">;
  /** When it is aborted, nothing is renewed any more: who comes to tidy up takes it over. */
  readonly signal: AbortSignal;
};

/**
 * A lease that is renewed from when it is taken until it is given back, whatever takes long meanwhile. One that was lost is told by the next
 * `renew`, which is asked before each change.
 */
export function keptLease(lease: Lease, { everyMs, clock, log, signal }: KeptLeaseOptions): Lease {
  const inTurn = actsInTurn();
  let keeping: AbortController | undefined;
  let lost: unknown;

  return {
    async take() {
      const taken = await lease.take();
      if (taken.state === "held") return taken;
      keeping?.abort();
      keeping = new AbortController();
      lost = undefined;
      void keep(AbortSignal.any([keeping.signal, signal]));
      return taken;
    },
    async renew() {
      if (lost !== undefined) throw lost;
      await inTurn(() => lease.renew());
    },
    async release() {
      keeping?.abort();
      await inTurn(() => lease.release());
    },
    holder: () => lease.holder(),
  };

  async function keep(until: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await clock.sleep(everyMs, until);
        await inTurn(async () => {
          if (!until.aborted) await lease.renew();
        });
      } catch (error) {
        if (until.aborted) return;
        // a server that is away for a while, or knows nobody when it starts again, may be back before the lease runs out
        if (isReleaseError(error, "UNAVAILABLE", "AUTH")) log.debug(`the lease was not renewed now: ${error.message}`);
        else {
          lost = error;
          return;
        }
      }
    }
  }
}
