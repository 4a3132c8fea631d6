import type { Problem } from "../../shared/domain/problem.ts";
import type { JournalEntry, ServedModel } from "../../shared/domain/rollout/journal-entry.ts";
import { isSameVersion } from "../../shared/domain/rollout/same-version.ts";
import type { Standing } from "../prepare/standing.ts";

export type PromotionFacts = {
  readonly candidate: ServedModel;
  readonly standing: Standing;
  /** The last rollout at the target. */
  readonly entry: JournalEntry | undefined;
};

/** Why a rollout may not be carried to its end by hand; undefined where it may. Only what was held, and never what failed. */
export function promotionRefusal({ candidate, standing, entry }: PromotionFacts): Problem | undefined {
  const name = `${candidate.name} ${candidate.version}`;
  const rule = "mode promote carries a rollout to its end that was held";
  if (entry === undefined || !isSameVersion(entry.candidate, candidate))
    return {
      rule,
      saw: entry === undefined ? "no rollout" : `the last rollout, of ${entry.candidate.version}`,
      allowed: `a rollout of ${name}`,
      hint: "mode: deploy begins one",
    };
  if (entry.phase !== "ended")
    return {
      rule,
      saw: `a rollout in phase ${entry.phase}`,
      hint: "mode: deploy goes on with it, mode: recover ends it",
    };
  if (entry.decision !== "held")
    return {
      rule,
      saw: `${name}, ${entry.decision ?? "ended"}${entry.reason === undefined ? "" : `: ${entry.reason}`}`,
      allowed: "held",
      hint: "what was rolled back is mended and released as another version",
    };
  const failed = entry.looks.findLast((look) => look.verdict === "fail");
  if (failed !== undefined)
    return {
      rule: "nobody promotes what the judge found to fail",
      saw: `${name}, at its look of ${new Date(failed.atMs).toISOString()}`,
    };
  if (entry.looks.length === 0)
    return {
      rule,
      saw: `${name} before it met any request`,
      allowed: "a rollout with looks",
      hint: "mode: deploy begins it again",
    };
  if (standing.do === "deploy") return undefined;
  const { reason } = standing;
  return { rule, saw: reason, ...("hint" in standing ? { hint: standing.hint } : {}) };
}
