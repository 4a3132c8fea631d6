import type { JournalEntry } from "../shared/domain/rollout/journal-entry.ts";
import type { Reason } from "../shared/domain/rollout/reason.ts";
import { formatDecision } from "../shared/domain/version-state.ts";
import { isReleaseError } from "../shared/lib/error.ts";
import { findState } from "../shared/lib/model-registry/states.ts";
import type { Rolling } from "./rolling.ts";

/** Why the share of a version is not raised: somebody took it out of use since its rollout began. A store that is not there says nothing. */
export async function retiredSince(
  { store, step }: Pick<Rolling, "store" | "step">,
  { candidate }: Pick<JournalEntry, "candidate">,
): Promise<Reason | undefined> {
  try {
    const state = await findState(store, candidate);
    if (state?.state !== "retired") return undefined;
    return { why: "rule", rule: `it was taken out of use by ${formatDecision(state.last)}` };
  } catch (error) {
    if (!isReleaseError(error, "UNAVAILABLE", "TIMEOUT")) throw error;
    step.log.warn(`the store did not say whether ${candidate.version} is still in use: ${error.message}`);
    return undefined;
  }
}
