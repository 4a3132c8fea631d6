import type { JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";
import type { Reason } from "../../shared/domain/rollout/reason.ts";
import { formatDecision } from "../../shared/domain/version-state.ts";
import { isReleaseError } from "../../shared/lib/error.ts";
import { readRegistrySettings } from "../../shared/lib/model-registry/settings.ts";
import { findState } from "../../shared/lib/model-registry/states.ts";
import { findVersion } from "../../shared/lib/model-registry/versions.ts";
import { servingRefusal } from "../prepare/may-serve.ts";
import type { Rolling } from "./rolling.ts";

/**
 * Why the share of a version is not raised: since its rollout began somebody took it out of use, or the approval ended that it needs. In
 * which environment a job runs was asked when the rollout began. A store that is not there says nothing.
 */
export async function refusedSince(
  { store, step }: Pick<Rolling, "store" | "step">,
  { candidate }: Pick<JournalEntry, "candidate">,
): Promise<Reason | undefined> {
  const { name, version } = candidate;
  try {
    const state = await findState(store, candidate);
    if (state?.state === "retired")
      return { why: "rule", rule: `it was taken out of use by ${formatDecision(state.last)}` };
    const record = await findVersion(store, name, version);
    if (record === undefined) return undefined;
    const rule = (await readRegistrySettings(store)).aliases?.champion;
    const asked = rule?.approval === undefined ? undefined : { approval: rule.approval };
    const refusal = servingRefusal({ record, state, rule: asked, environment: undefined });
    return refusal === undefined ? undefined : { why: "rule", rule: `it may not serve any more: ${refusal.reason}` };
  } catch (error) {
    if (!isReleaseError(error, "UNAVAILABLE", "TIMEOUT")) throw error;
    step.log.warn(`the store did not say whether ${version} may still serve: ${error.message}`);
    return undefined;
  }
}
