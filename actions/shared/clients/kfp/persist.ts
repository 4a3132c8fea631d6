import { isReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";

const PAUSES_MS = [2_000, 5_000, 15_000];

/** Does what may be done twice (it looks before it makes) again while the server is not available. */
export async function persist<T>(clock: Clock, act: () => Promise<T>): Promise<T> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await act();
    } catch (error) {
      if (!isReleaseError(error, "UNAVAILABLE")) throw error;
      await clock.sleep(pauseMs);
    }
  }
  return act();
}
