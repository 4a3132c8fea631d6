import { formatDuration, formatPercent } from "../../shared/domain/quantity.ts";
import type { Block, Section } from "../../shared/domain/report.ts";
import type { Look } from "../../shared/domain/rollout/journal-entry.ts";
import type { Ended } from "../outcome.ts";

export function evidenceSections(looks: readonly Look[], { entry }: Pick<Ended, "entry">): readonly Section[] {
  if (looks.length === 0) return [];
  const columns = [
    { title: "look", align: "right" },
    { title: "after", align: "right" },
    { title: "share", align: "right" },
    { title: "candidate", align: "right" },
    { title: "stable", align: "right" },
    { title: "verdict" },
    { title: "next" },
  ] as const;
  const stride = Math.ceil(looks.length / MAX_ROWS);
  const rows = looks.flatMap((look, i) => {
    const isKept = i % stride === 0 || i === looks.length - 1 || look.next !== "wait";
    if (!isKept) return [];
    return [
      [
        String(i + 1),
        formatDuration(look.atMs - entry.startedAtMs),
        formatPercent(look.share),
        badText(look, "candidate"),
        badText(look, "stable"),
        look.verdict,
        look.next,
      ],
    ];
  });
  const blocks: readonly Block[] = [
    {
      kind: "chart",
      title: "Evidence against the candidate",
      xLabel: "look",
      yLabel: "ln E",
      series: chartSeries(looks),
    },
    { kind: "table", columns, rows },
  ];
  return [{ title: looks.length === 1 ? "One look" : `${looks.length} looks`, priority: 3, folded: true, blocks }];
}

/** At most so many rows: the steps' first and last looks, and some between. */
const MAX_ROWS = 24;

function badText(look: Look, arm: "candidate" | "stable"): string {
  const { requests, series } = look.counts[arm];
  const bad = Object.entries(series).flatMap(([name, tally]) => (tally?.bad ? [`${tally.bad} ${name}`] : []));
  return bad.length === 0 ? `${requests}` : `${requests}, ${bad.join(", ")}`;
}

function chartSeries(looks: readonly Look[]) {
  const canary = looks.filter((look) => look.phase === "canary");
  const names = [...new Set(canary.flatMap((look) => Object.keys(look.evidence)))];
  return names.map((name) => ({
    name,
    points: canary.map((look, i) => [i + 1, Number((look.evidence[name]?.fail ?? 0).toFixed(3))] as const),
  }));
}
