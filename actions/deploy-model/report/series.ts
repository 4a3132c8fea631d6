import { code, type Section, type Text, text } from "../../shared/domain/report.ts";
import type { SeriesVerdict } from "../../shared/domain/rollout/judge.ts";
import { judgeAgain } from "../../shared/domain/rollout/judge-looks.ts";
import { formatOdds, formatRate, formatReason } from "../../shared/domain/rollout/reason.ts";
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
  const watched = (canary?.verdict.watched ?? []).filter(({ counts }) => counts.candidate.bad + counts.stable.bad > 0);
  const isWatched = (one: SeriesVerdict) => watched.includes(one);
  const rows = [...series, ...watched].map((one) => [
    isWatched(one) ? (isAlarm(one) ? "⚠️" : "➖") : isAlarm(one) ? "❌" : one.proof === undefined ? "➖" : "✅",
    code(one.name),
    `${one.counts.candidate.bad} of ${one.counts.candidate.n} (${formatRate(one.counts.candidate)})`,
    ...(entry.stable === undefined
      ? []
      : [`${one.counts.stable.bad} of ${one.counts.stable.n} (${formatRate(one.counts.stable)})`]),
    isWatched(one) ? watchedText(one) : evidenceText(one),
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

function watchedText(series: SeriesVerdict): string {
  const told = isAlarm(series) ? `worse: ${formatOdds(series.fail)}` : "not worse";
  return `${told}; only watched, no part of the gate`;
}

/** What was alarming in series that are only watched. */
export function warningLeads({ entry }: Pick<EndedOutcome, "entry">): readonly Text[] {
  const canary = judgeAgain(
    entry.plan,
    entry.looks.filter((look) => look.phase === "canary"),
  ).at(-1);
  return (canary?.verdict.warnings ?? []).map(
    (reason) =>
      text`Warning: ${formatReason(reason)}. It did not decide; ${code("series: { rejected: {} }")} in the rollout file makes it part of the gate.`,
  );
}
