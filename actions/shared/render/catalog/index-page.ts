import type { Catalog, CatalogModel } from "../../domain/catalog/catalog.ts";
import { formatCount } from "../../domain/quantity.ts";
import { type Html, html, join, nothing, tableHtml } from "./html.ts";
import { hrefTo, INDEX_PATH, modelPath, versionPath } from "./links.ts";
import type { Page } from "./page.ts";
import { badge, dayHtml, numberText } from "./words.ts";

/** Metrics that stand in a table of models. */
const SHOWN_METRICS = 3;

/** Every model of the store: what serves, how good it is, what came last. */
export function indexPage({ models, store }: Catalog): Page {
  const versions = models.reduce((sum, model) => sum + model.versions.length, 0);
  const columns = [
    { title: "model" },
    { title: "champion" },
    { title: "newest" },
    { title: "versions", align: "right" },
    { title: "metrics of the champion" },
  ] as const;
  const body =
    models.length === 0
      ? html`<p>There is no model in ${store} yet.</p>`
      : html`<p>${formatCount(models.length, "model")}, ${formatCount(versions, "version")}.</p>${tableHtml(columns, models.map(rowOf))}`;
  return { path: INDEX_PATH, title: "Models", above: [], body: html`<h1>Models</h1>\n${body}` };
}

function rowOf(model: CatalogModel): readonly Html[] {
  const { name, champion, versions, problems } = model;
  const newest = versions[0]?.record;
  return [
    html`<a href="${hrefTo(INDEX_PATH, modelPath(name))}">${name}</a> ${problems.length === 0 ? nothing : badge(formatCount(problems.length, "problem"), "bad")}`,
    champion === undefined ? html`<span class="soft">none</span>` : versionLink(model, champion),
    newest === undefined ? nothing : html`${versionLink(model, newest.version)} ${dayHtml(newest.createdAt)}`,
    html`${versions.length}`,
    championMetrics(model),
  ];
}

function versionLink({ name, versions }: CatalogModel, version: string): Html {
  if (!versions.some(({ record }) => record.version === version)) return html`${version}`;
  return html`<a href="${hrefTo(INDEX_PATH, versionPath(name, version))}">${version}</a>`;
}

function championMetrics({ champion, metrics }: CatalogModel): Html {
  const whole = metrics.filter(({ isSliced }) => !isSliced);
  const own = whole.flatMap(({ name, points }) => {
    const point = points.find(({ version }) => version === champion);
    return point === undefined ? [] : [html`${name} ${numberText(point.value)}`];
  });
  return join(own.slice(0, SHOWN_METRICS), ", ");
}
