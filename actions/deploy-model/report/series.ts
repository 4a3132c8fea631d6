import { code, type Section } from "../../shared/domain/report.ts";
import type { SeriesVerdict } from "../../shared/domain/rollout/judge.ts";
import { judgeAgain } from "../../shared/domain/rollout/judge-looks.ts";
import { formatOdds, formatRate } from "../../shared/domain/rollout/reason.ts";
import type { EndedOutcome } from "./outcome-kinds.ts";

export function seriesSection({ entry, verdict }: EndedOutcome): readonly Section[] {
  const canary = judgeAgain(
    entry.plan,
    entry.looks.filter((look) => look.phase === "canary"),
  ).at(-1);
  const series = canary?.verdict.series ?? verdict?.series ?? [];
  if (series.length === 0) return [];
  const columns = [
    { title: "" },
    { title: "bad answers" },
    { title: entry.candidate.version, align: "right" },
    ...(entry.stable === undefined ? [] : [{ title: `champion ${entry.stable.version}`, align: "right" } as const]),
    { title: "evidence" },
  ] as const;
  const rows = series.map((one) => [
    isAlarm(one) ? "❌" : one.proof === undefined ? "➖" : "✅",
    code(one.name),
    `${one.counts.candidate.bad} of ${one.counts.candidate.n} (${formatRate(one.counts.candidate)})`,
    ...(entry.stable === undefined
      ? []
      : [`${one.counts.stable.bad} of ${one.counts.stable.n} (${formatRate(one.counts.stable)})`]),
    evidenceText(one),
  ]);
  return [{ priority: 1, blocks: [{ kind: "table", columns, rows }] }];
}

function isAlarm(series: SeriesVerdict): boolean {
  return series.fail >= series.neededToFail;
}

function evidenceText(series: SeriesVerdict): string {
  if (isAlarm(series)) return `worse: ${formatOdds(series.fail)}, ${formatOdds(series.neededToFail)} asked`;
  if (series.proof === "ceiling") return `under the ceiling: ${formatOdds(series.ceiling)}`;
  if (series.proof === "ratio") return `less than max-ratio times as bad: ${formatOdds(series.pass)}`;
  return `not proved: ${formatOdds(Math.max(series.pass, series.ceiling))}, ${formatOdds(series.neededToPass)} asked`;
}
