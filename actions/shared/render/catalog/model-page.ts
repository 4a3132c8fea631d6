import type { CatalogModel, CatalogVersion, MetricSeries } from "../../domain/catalog/catalog.ts";
import { shortDigest } from "../../domain/digest.ts";
import { formatCount } from "../../domain/quantity.ts";
import { codeHtml, foldedHtml, type Html, html, join, nothing, tableHtml } from "./html.ts";
import { differencePath, hrefTo, modelPath, versionPath } from "./links.ts";
import { logHtml } from "./log-list.ts";
import { isBroken, metricChart } from "./metric-chart.ts";
import type { Page } from "./page.ts";
import { actHtml, dayHtml, numberText, standingBadges, timeHtml, verdictBadge } from "./words.ts";

/** Charts that are open; those of slices by the hundred are folded away. */
const OPEN_CHARTS = 6;
const MAX_CHARTS = 60;
const TABLE_METRICS = 3;

/** One model: what serves, its metrics over the versions, every version, who moved which alias when. */
export function modelPage(model: CatalogModel): Page {
  const { name, versions, problems } = model;
  const body = html`<h1>${name}</h1>
${leadHtml(model)}
${problems.map(({ key, problem }) => html`<p class="note bad">${codeHtml(key)}: ${problem}</p>`)}
${chartsHtml(model)}
<h2>Versions</h2>
${versions.length === 0 ? html`<p>There is no version yet.</p>` : versionTable(model)}
${aliasesHtml(model)}
${logHtml(model.events)}`;
  return { path: modelPath(name), title: name, above: [], body };
}

function leadHtml({ name, champion, reigns, versions }: CatalogModel): Html {
  const count = formatCount(versions.length, "version");
  const reign = reigns.find(({ alias, until }) => alias === "champion" && until === undefined);
  if (champion === undefined || reign === undefined) return html`<p>${count}. There is no champion.</p>`;
  const link = html`<a href="${hrefTo(modelPath(name), versionPath(name, champion))}">${champion}</a>`;
  return html`<p>Champion is ${link} since ${timeHtml(reign.from)}, moved by ${actHtml(reign.act)}. ${count}.</p>`;
}

function chartsHtml({ metrics, champion, reigns }: CatalogModel): Html {
  const ever = new Set(reigns.filter(({ alias }) => alias === "champion").map(({ version }) => version));
  const drawn = metrics.flatMap((series) => {
    const chart = metricChart(series, { now: champion, ever });
    return chart === undefined ? [] : [{ series, chart }];
  });
  if (drawn.length === 0) return nothing;
  const open = drawn.filter(({ series }) => !series.isSliced).slice(0, OPEN_CHARTS);
  const folded = drawn.filter((one) => !open.includes(one)).slice(0, MAX_CHARTS);
  const broken = drawn.some(({ series }) => isBroken(series)) ? " A line is broken where the test data changed." : "";
  return html`<h2>Metrics over versions</h2>
<p class="soft">A filled dot is a version that was champion; the ring is the one that is.${broken}</p>
${chartGrid(open, champion)}${folded.length === 0 ? nothing : foldedHtml(formatCount(folded.length, "more metric"), chartGrid(folded, champion))}`;
}

type Drawn = { readonly series: MetricSeries; readonly chart: Html };

function chartGrid(drawn: readonly Drawn[], champion: string | undefined): Html {
  if (drawn.length === 0) return nothing;
  const figures = drawn.map(
    ({ series, chart }) =>
      html`<figure><figcaption><span>${series.name}</span>${championValue(series, champion)}</figcaption>${chart}</figure>\n`,
  );
  return html`<div class="charts">${figures}</div>`;
}

function championValue({ points }: MetricSeries, champion: string | undefined): Html {
  const point = points.find(({ version }) => version === champion);
  return point === undefined ? nothing : html` <span class="good">${point.version}: ${numberText(point.value)}</span>`;
}

function versionTable(model: CatalogModel): Html {
  const shown = model.metrics.filter(({ isSliced }) => !isSliced).slice(0, TABLE_METRICS);
  const columns = [
    { title: "version" },
    { title: "registered" },
    { title: "standing" },
    ...shown.map(({ name }) => ({ title: name, align: "right" as const })),
    { title: "digest" },
    { title: "what changed" },
  ];
  return tableHtml(
    columns,
    model.versions.map((version) => versionRow(model, version, shown)),
  );
}

function versionRow(
  { name, versions }: CatalogModel,
  version: CatalogVersion,
  shown: readonly MetricSeries[],
): readonly Html[] {
  const { record, previous } = version;
  const here = modelPath(name);
  const against = versions.some((other) => other.record.version === previous) ? previous : undefined;
  return [
    html`<a href="${hrefTo(here, versionPath(name, record.version))}">${record.version}</a>`,
    html`${dayHtml(record.createdAt)}`,
    html`${standingBadges(version)}${verdictBadge(record)}`,
    ...shown.map(({ points }) => {
      const point = points.find((one) => one.version === record.version);
      return point === undefined ? nothing : html`${numberText(point.value)}`;
    }),
    codeHtml(shortDigest(record.digest)),
    against === undefined
      ? nothing
      : html`<a href="${hrefTo(here, differencePath(name, record.version, against))}">since ${against}</a>`,
  ];
}

function aliasesHtml({ reigns }: CatalogModel): Html {
  if (reigns.length === 0) return nothing;
  const columns = [
    { title: "alias" },
    { title: "version" },
    { title: "from" },
    { title: "until" },
    { title: "moved by" },
  ];
  const rows = reigns.map(({ alias, version, from, until, act }) => [
    html`${alias}`,
    html`${version}`,
    timeHtml(from),
    until === undefined ? html`<strong>now</strong>` : timeHtml(until),
    actHtml(act),
  ]);
  return html`<h2>Who held which alias when</h2>\n${join([tableHtml(columns, rows)])}`;
}
