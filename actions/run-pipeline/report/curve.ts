import type { Section } from "../../shared/domain/report.ts";
import type { Curve } from "../../shared/domain/run/curves.ts";

export function curveSection(curve: Curve): Section {
  const of = `${curve.task}.${curve.output}${curve.iteration === undefined ? "" : ` (${curve.iteration})`}`;
  if (curve.kind === "roc")
    return {
      title: `ROC of ${of}`,
      priority: 6,
      folded: true,
      blocks: [
        {
          kind: "chart",
          title: `ROC of ${of}`,
          xLabel: "false positive rate",
          yLabel: "recall",
          series: [{ name: of, points: curve.points.map((point) => [point.falsePositiveRate, point.recall] as const) }],
        },
      ],
    };
  const labels = curve.rows.map((_, i) => curve.labels[i] ?? String(i));
  return {
    title: `Confusion matrix of ${of}`,
    priority: 6,
    folded: true,
    blocks: [
      {
        kind: "table",
        columns: [{ title: "is \\ taken for" }, ...labels.map((title) => ({ title, align: "right" as const }))],
        rows: curve.rows.map((row, i) => [labels[i] ?? "", ...row.map(String)]),
      },
    ],
  };
}
