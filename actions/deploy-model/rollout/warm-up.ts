import type { Payload } from "../../shared/domain/rollout/payload.ts";
import { isReleaseError } from "../../shared/lib/error.ts";
import type { Served } from "../../shared/ports/serving.ts";

const BATCH = 20;
const BATCHES = 10;

/**
 * Sends requests directly until the slowest of a batch is about as fast as that of the batch before, or ten batches are through: first
 * requests after a load are slow and would be counted against the version. How many were sent.
 */
export async function warmUp(served: Served, payloads: readonly Payload[], path: string | undefined): Promise<number> {
  if (payloads.length === 0 || path === undefined) return 0;
  let before = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < BATCHES; batch++) {
    const times: number[] = [];
    for (let i = 0; i < BATCH; i++) {
      const payload = payloads[(batch * BATCH + i) % payloads.length];
      const ms = await timeOf(served, path, payload);
      if (ms !== undefined) times.push(ms);
    }
    const slowest = times.sort((a, b) => a - b)[Math.floor(BATCH * 0.95) - 1] ?? 0;
    if (slowest <= Math.max(before * 1.2, before + 2)) return (batch + 1) * BATCH;
    before = slowest;
  }
  return BATCHES * BATCH;
}

/** What goes wrong here is the judge's to find. */
async function timeOf(served: Served, path: string, payload: Payload | undefined): Promise<number | undefined> {
  try {
    const { ms } = await served.ask(path, JSON.stringify(payload?.request));
    return ms;
  } catch (error) {
    if (!isReleaseError(error, "UNAVAILABLE")) throw error;
    return undefined;
  }
}
