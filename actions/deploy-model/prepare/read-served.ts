import type { ServedModel } from "../../shared/domain/rollout/journal-entry.ts";
import { isReleaseError, ReleaseError } from "../../shared/lib/error.ts";
import type { Serving } from "../../shared/ports/serving.ts";

/** What serves now. Whoever may not even read that is told of everything that is missing for a rollout, not of the first refusal alone. */
export async function readServed(serving: Serving, candidate: ServedModel): ReturnType<Serving["current"]> {
  try {
    return await serving.current();
  } catch (error) {
    if (!isReleaseError(error, "AUTH")) throw error;
    const missing = await serving.check(candidate).catch(() => []);
    throw missing.length === 0 ? error : new ReleaseError("AUTH", missing, error);
  }
}
