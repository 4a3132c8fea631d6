import type { CatalogModel, CatalogVersion } from "../../domain/catalog/catalog.ts";
import { shortDigest } from "../../domain/digest.ts";
import { formatMetricName, type Metric } from "../../domain/metric.ts";
import { formatCount } from "../../domain/quantity.ts";
import { compareVersions, type MetricChange } from "../../domain/version-differences.ts";
import { comparedWith } from "./compared-with.ts";
import { codeHtml, foldedHtml, type Html, html, nothing, tableHtml } from "./html.ts";
import { numberText } from "./words.ts";

const MAX_ROWS = 16;

/** The metrics of a version beside those of the versions that it is compared with. */
export function metricsHtml(model: CatalogModel, version: CatalogVersion): Html {
  const { metrics = [] } = version.record;
  if (metrics.length === 0) return nothing;
  const isShort = metrics.length <= MAX_ROWS;
  const whole = isShort ? metrics : metrics.filter(({ slice }) => slice === undefined);
  const slices = isShort ? [] : metrics.filter(({ slice }) => slice !== undefined);
  const others = comparedWith(model, version).map(({ other }) => ({
    title: other.aliases.includes("champion") ? `champion ${other.record.version}` : other.record.version,
    changes: new Map(compareVersions(version.record, other.record).metrics.map((change) => [change.name, change])),
  }));
  const table = (some: readonly Metric[]) => metricTable(some, others);
  return html`<h2>Metrics</h2>
${whole.length === 0 ? nothing : table(whole)}${slices.length === 0 ? nothing : foldedHtml(formatCount(slices.length, "slice"), table(slices))}`;
}

type Other = { readonly title: string; readonly changes: ReadonlyMap<string, MetricChange> };

function metricTable(metrics: readonly Metric[], others: readonly Other[]): Html {
  const columns = [
    { title: "metric" },
    { title: "value", align: "right" as const },
    ...others.map(({ title }) => ({ title, align: "right" as const })),
    { title: "n", align: "right" as const },
    { title: "measured on" },
  ];
  const rows = metrics.map((metric) => [
    html`${formatMetricName(metric)}`,
    html`<strong>${numberText(metric.value)}</strong>`,
    ...others.map(({ changes }) => changeHtml(changes.get(formatMetricName(metric)))),
    metric.n === undefined ? nothing : html`${metric.n}`,
    metric.dataset === undefined
      ? nothing
      : html`${metric.dataset.role} ${codeHtml(shortDigest(metric.dataset.digest))}`,
  ]);
  return tableHtml(columns, rows);
}

/** The other's value, and how far this one is from it. */
function changeHtml(change: MetricChange | undefined): Html {
  if (change?.before === undefined) return nothing;
  const by = change.change === undefined ? (change.sameData ? "" : "other data") : signed(change.change);
  return html`${numberText(change.before)} <span class="soft">${by}</span>`;
}

function signed(change: number): string {
  if (change === 0) return "±0";
  return `${change > 0 ? "+" : "−"}${Number(Math.abs(change).toPrecision(3))}`;
}
