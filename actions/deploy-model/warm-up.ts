import type { Payload } from "../shared/domain/rollout/payload.ts";
import { isReleaseError } from "../shared/lib/error.ts";
import { request } from "../shared/lib/http.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { Served } from "../shared/ports/serving.ts";

const BATCH = 20;
const BATCHES = 10;

/**
 * Sends requests directly until the slowest of a batch is about as fast as that of the batch before, or ten batches are through: first
 * requests after a load are slow and would be counted against the version. How many were sent.
 */
export async function warmUp(
  served: Served,
  payloads: readonly Payload[],
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<number> {
  let before = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < BATCHES; batch++) {
    const times: number[] = [];
    for (let i = 0; i < BATCH; i++) {
      const payload = payloads[(batch * BATCH + i) % payloads.length];
      const startedAt = clock.now();
      await send(served, payload, signal);
      times.push(clock.now() - startedAt);
    }
    const slowest = times.sort((a, b) => a - b)[Math.floor(BATCH * 0.95) - 1] ?? 0;
    if (slowest <= Math.max(before * 1.2, before + 2)) return (batch + 1) * BATCH;
    before = slowest;
  }
  return BATCHES * BATCH;
}

/** What goes wrong here is the judge's to find. */
async function send(served: Served, payload: Payload | undefined, signal: AbortSignal): Promise<void> {
  try {
    await request({
      service: "the server",
      method: "POST",
      url: `${served.url}/v2/models/${served.model.name}/infer`,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(payload?.request),
      timeoutMs: 10_000,
      attempts: 1,
      signal,
    });
  } catch (error) {
    if (!isReleaseError(error, "UNAVAILABLE", "PROTOCOL", "NOT_FOUND", "AUTH", "CONFLICT")) throw error;
  }
}
