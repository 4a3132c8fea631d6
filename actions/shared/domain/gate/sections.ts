import { shortDigest } from "../digest.ts";
import { formatMetricName, type Metric } from "../metric.ts";
import type { DataSet, Gate } from "../release.ts";
import { type Block, code, type Section, text } from "../report.ts";
import type { RunDetails } from "../run/details.ts";
import type { Champion } from "./champion.ts";
import { naturally, readMetric } from "./reading.ts";
import type { GateEvaluation } from "./result.ts";
import { ruleTable, sliceTables } from "./rule-table.ts";
import { showChange, showValue } from "./show.ts";
import { tableOf } from "./table.ts";

type Curve = RunDetails["curves"][number];

/** What was judged, and by what. */
export type Judged = {
  readonly evaluation: GateEvaluation;
  readonly metrics: readonly Metric[];
  readonly data: readonly DataSet[];
  readonly champion: Champion | undefined;
  readonly curves: readonly Curve[];
  /** The run and the artifact that the verdict is bound to. */
  readonly bound: Gate["subject"];
};

/** The table of what decided; then, folded, every slice, every metric, the curves, and what exactly was judged. */
export function gateSections(judged: Judged): readonly Section[] {
  const sections: readonly Section[] = [
    { priority: 1, blocks: ruleTable(judged.evaluation) },
    folded("Slices", 3, sliceTables(judged.evaluation)),
    folded("All metrics", 4, metricTable(judged)),
    ...judged.curves.map((curve) => folded(curveTitle(curve), 5, curveBlocks(curve))),
    folded("What was judged", 6, boundList(judged)),
  ];
  return sections.filter(({ blocks }) => blocks.length > 0);
}

function folded(title: string, priority: number, blocks: readonly Block[]): Section {
  return { title, priority, folded: true, blocks };
}

function metricTable({ metrics, champion }: Judged): readonly Block[] {
  const rows = metrics.map((metric) => ({
    metric,
    name: shortName(metric, metrics),
    theirs: championValue(metric, champion),
  }));
  const sorted = rows.sort((a, b) => naturally(a.name, b.name));
  return tableOf(sorted, [
    { title: "metric", cell: ({ name }) => code(name) },
    { title: "value", align: "right", cell: ({ metric, theirs }) => showValue(metric.value, theirs) },
    {
      title: "champion",
      align: "right",
      cell: ({ metric, theirs }) => (theirs === undefined ? "" : showValue(theirs, metric.value)),
    },
    {
      title: "change",
      align: "right",
      cell: ({ metric: { value }, theirs }) =>
        theirs === undefined || typeof value === "string" ? "" : showChange(theirs, value),
    },
    { title: "n", align: "right", cell: ({ metric }) => (metric.n === undefined ? "" : String(metric.n)) },
    {
      title: "data",
      cell: ({ metric: { dataset } }) =>
        dataset === undefined ? "" : text`${dataset.role} ${code(shortDigest(dataset.digest))}`,
    },
  ]);
}

/** Without the task where no other task measured it. */
function shortName(metric: Metric, all: readonly Metric[]): string {
  const short = formatMetricName({ ...metric, task: undefined });
  const same = all.filter((one) => formatMetricName({ ...one, task: undefined }) === short);
  return same.every(({ task }) => task === metric.task) ? short : formatMetricName(metric);
}

/** By the same task where the champion's run had it. */
function championValue(metric: Metric, champion: Champion | undefined): number | undefined {
  if (champion === undefined) return undefined;
  const readings = [metric, { ...metric, task: undefined }].map((name) => readMetric(champion.metrics, name, ""));
  return readings.find((reading) => reading.state === "measured")?.value;
}

function curveTitle(curve: Curve): string {
  const where = curve.iteration === undefined ? curve.task : `${curve.task}, iteration ${curve.iteration}`;
  return curve.kind === "roc" ? `ROC curve (${where})` : `Confusion matrix (${where})`;
}

/** Classes that a matrix still shows readably. */
const CLASSES = 30;

function curveBlocks(curve: Curve): readonly Block[] {
  if (curve.kind === "roc") {
    const points = curve.points.map(({ falsePositiveRate, recall }) => [falsePositiveRate, recall] as const);
    const series = [{ name: curve.output, points }];
    return [{ kind: "chart", title: curve.output, xLabel: "false positive rate", yLabel: "recall", series }];
  }
  if (curve.rows.length > CLASSES)
    return [{ kind: "paragraph", text: `${curve.rows.length} classes are too many for a table here.` }];
  const label = (index: number) => curve.labels[index] ?? String(index);
  return tableOf(
    [...curve.rows.entries()],
    [
      { title: "true ↓ taken for →", cell: ([index]) => code(label(index)) },
      ...curve.rows.map((_, column) => ({
        title: label(column),
        align: "right" as const,
        // A zero is a point: what is wrong stands out.
        cell: ([, counts]: [number, readonly number[]]) => (counts[column] ? String(counts[column]) : "·"),
      })),
    ],
  );
}

function boundList({ bound, data, champion }: Judged): readonly Block[] {
  const items = [
    ...(bound.runId === undefined ? [] : [text`Run ${code(bound.runId)}`]),
    ...(bound.artifact === undefined ? [] : [text`Artifact ${code(bound.artifact)}`]),
    ...(bound.digest === undefined ? [] : [text`Model ${code(bound.digest)}`]),
    ...data.map(
      ({ role, uri, digest }) => text`Data ${role}: ${code(uri)}${digest === undefined ? "" : [" ", code(digest)]}`,
    ),
    ...(champion?.digest === undefined ? [] : [text`Champion ${champion.version}: ${code(champion.digest)}`]),
  ];
  return items.length === 0 ? [] : [{ kind: "list", items }];
}
