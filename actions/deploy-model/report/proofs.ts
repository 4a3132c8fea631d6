import { formatPercent } from "../../shared/domain/quantity.ts";
import type { Look } from "../../shared/domain/rollout/journal-entry.ts";
import { judgeAgain } from "../../shared/domain/rollout/judge-looks.ts";
import { formatBad, formatRate } from "../../shared/domain/rollout/reason.ts";
import type { Ended } from "../outcome.ts";

/** What was proved in the canary, series by series. */
export function proofsOf(looks: readonly Look[], plan: Ended["entry"]["plan"]): readonly string[] {
  const last = judgeAgain(
    plan,
    looks.filter((look) => look.phase === "canary"),
  ).at(-1);
  return (last?.verdict.series ?? []).map((series) => {
    const rules = plan.judge.series.find(({ name }) => name === series.name);
    const rate = formatBad(series.name, series.counts.candidate);
    if (series.proof === "ceiling") return `${rate}, proved under ${formatPercent(rules?.ceiling ?? 0)}`;
    if (series.proof === "ratio")
      return `${rate} beside the champion's ${formatRate(series.counts.stable)}, proved less than ${rules?.maxRatio ?? 0} times as bad`;
    return rate;
  });
}
