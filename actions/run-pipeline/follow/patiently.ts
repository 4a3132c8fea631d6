import { formatDuration } from "../../shared/domain/quantity.ts";
import { isReleaseError } from "../../shared/lib/error.ts";
import type { RunStep, Wishes } from "../step.ts";

export type Waiter = Pick<RunStep, "clock" | "log" | "signal"> & { readonly inputs: Pick<Wishes, "max-outage"> };

/** A look or a pause takes no longer: what a clock shows beyond it is a jump. */
const LONGEST_STEP_MS = 60_000;

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** Milliseconds between two looks at a clock that may jump, in either direction. */
export function stepMs(fromMs: number, toMs: number): number {
  return Math.min(LONGEST_STEP_MS, Math.max(0, toMs - fromMs));
}

/** Does it again while the engine does not answer, for as long as an outage may take. Only for what may be done twice. */
export async function patiently<T>({ clock, log, signal, inputs }: Waiter, act: () => Promise<T>): Promise<T> {
  const maxOutageMs = inputs["max-outage"];
  let lostMs = 0;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    signal.throwIfAborted();
    const begunMs = clock.now();
    try {
      const done = await act();
      if (lostMs > 0) log.info(`The engine answers again after ${formatDuration(lostMs)}`);
      return done;
    } catch (error) {
      if (!isReleaseError(error, "UNAVAILABLE") || lostMs >= maxOutageMs) throw error;
      if (lostMs === 0)
        log.warn(
          `The engine does not answer (${error.message}); this says nothing about the run. Asking again for at most ${formatDuration(maxOutageMs)}`,
        );
    }
    await clock.sleep(Math.min(pauseMs, Math.max(1, maxOutageMs - lostMs)), signal);
    lostMs += Math.max(1, stepMs(begunMs, clock.now()));
    pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
  }
}
