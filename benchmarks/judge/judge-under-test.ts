import { addPairs, NOTHING, type Pair, rateOf } from "../../actions/shared/domain/rollout/e-process.ts";

/** What one look sees: requests and bad ones of both arms. */
export type Seen = Pair;

/** What a judge makes of a run, and after how many looks. Undecided: nothing is promoted, somebody has to look. */
export type Decision = { readonly do: "rollback" | "promote" | "undecided"; readonly looks: number };

export type JudgeUnderTest = {
  readonly name: string;
  /** Dear to compute: judged on fewer runs. */
  readonly isSlow?: true;
  decide(looks: readonly Seen[]): Decision;
};

/** Rolls back at the first look of which `failed` says so, told what was seen until then; promotes at the end. */
export function untilFailed(
  looks: readonly Seen[],
  failed: (soFar: { readonly look: Seen; readonly total: Seen; readonly number: number }) => boolean,
): Decision {
  let total: Seen = { candidate: NOTHING, stable: NOTHING };
  for (const [i, look] of looks.entries()) {
    total = addPairs(total, look);
    if (failed({ look, total, number: i + 1 })) return { do: "rollback", looks: i + 1 };
  }
  return { do: "promote", looks: looks.length };
}

/** The standard score of a difference of two proportions, pooled: positive where the candidate is worse. */
export function zScore({ candidate, stable }: Seen): number {
  const pooled = (candidate.bad + stable.bad) / (candidate.n + stable.n);
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / candidate.n + 1 / stable.n));
  return (rateOf(candidate) - rateOf(stable)) / deviation;
}
