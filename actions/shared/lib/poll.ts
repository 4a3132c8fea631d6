import type { Problem } from "../domain/problem.ts";
import type { Clock } from "../ports/clock.ts";
import { ReleaseError } from "./error.ts";

export type Poll<T> = {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** The pause before the next look, in milliseconds; may depend on how long was waited so far. */
  readonly delayMs: number | ((waitedMs: number) => number);
  /** The answer, or undefined to go on waiting. The first look is at once. */
  readonly look: (waitedMs: number) => Promise<T | undefined>;
  /** After this the wait ends with `TIMEOUT` and this problem. */
  readonly deadline?: { readonly ms: number; readonly problem: (waitedMs: number) => Problem };
};

/** Looks until there is an answer. Rejects with the signal's reason when it is aborted, with `TIMEOUT` after the deadline. */
export async function poll<T>({ clock, signal, delayMs, look, deadline }: Poll<T>): Promise<T> {
  const start = clock.now();
  for (;;) {
    signal?.throwIfAborted();
    const waited = clock.now() - start;
    const answer = await look(waited);
    if (answer !== undefined) return answer;
    const left = deadline === undefined ? Number.POSITIVE_INFINITY : deadline.ms - (clock.now() - start);
    if (deadline !== undefined && left <= 0) throw new ReleaseError("TIMEOUT", deadline.problem(clock.now() - start));
    await clock.sleep(Math.min(left, typeof delayMs === "number" ? delayMs : delayMs(waited)), signal);
  }
}
