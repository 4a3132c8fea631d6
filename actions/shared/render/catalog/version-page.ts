import type { CatalogModel, CatalogVersion } from "../../domain/catalog/catalog.ts";
import { lineageOf } from "../../domain/catalog/lineage.ts";
import { otherSections } from "../../domain/difference-sections.ts";
import { formatCount, formatSize } from "../../domain/quantity.ts";
import { compareVersions } from "../../domain/version-differences.ts";
import { cardHtml } from "../card-html.ts";
import { comparedWith } from "./compared-with.ts";
import { blockHtml, codeHtml, foldedHtml, type Html, html, join, nothing } from "./html.ts";
import { lineageGraph } from "./lineage-graph.ts";
import { differencePath, hrefTo, modelPath, versionPath } from "./links.ts";
import { logHtml } from "./log-list.ts";
import type { Page } from "./page.ts";
import { factsHtml, filesHtml, gateHtml, parametersHtml, tensorsHtml } from "./version-facts.ts";
import { metricsHtml } from "./version-metrics.ts";
import { actHtml, badge, decisionHtml, standingBadges, timeHtml, verdictBadge, wordsOf } from "./words.ts";

/** One version: how good it is, where it comes from and went, what is in it, what its card says. */
export function versionPage(model: CatalogModel, version: CatalogVersion, card: string | undefined): Page {
  const { record } = version;
  const path = versionPath(model.name, record.version);
  const body = html`<h1>${model.name} ${record.version} ${standingBadges(version)}${verdictBadge(record)}${scanBadge(version)}</h1>
${leadHtml(version)}
${notesHtml(version)}
${metricsHtml(model, version)}
${gateHtml(record)}
${comparedHtml(model, version)}
<h2>From data to deployment</h2>
${lineageGraph(lineageOf(version, model.events))}
<h2>What it is</h2>
${factsHtml(record, model.events)}
${tensorsHtml(record)}
${parametersHtml(record)}
${filesHtml(record)}
${card === undefined ? nothing : html`<h2>Model card</h2>\n<div class="card">${cardHtml(card)}</div>`}
${logHtml(model.events.filter((event) => event.version === record.version))}`;
  return {
    path,
    title: `${model.name} ${record.version}`,
    above: [{ label: model.name, path: modelPath(model.name) }],
    body,
  };
}

function leadHtml({ record }: CatalogVersion): Html {
  const bytes = record.files.reduce((sum, { size }) => sum + size, 0);
  const kind = record.format === undefined ? nothing : html`${wordsOf(record.format)}, `;
  const { author: by, createdAt: at, release, ci } = record;
  const act = { by, at, release, ...(ci?.url === undefined ? {} : { url: ci.url }) };
  return html`<p>${kind}${formatCount(record.files.length, "file")}, ${formatSize(bytes)}. Registered ${timeHtml(record.createdAt)} by ${actHtml(act)}.<br>${codeHtml(record.digest)}</p>`;
}

function scanBadge({ record: { scan } }: CatalogVersion): Html {
  if (scan === undefined) return nothing;
  const tone = scan.verdict === "data-only" ? "good" : scan.verdict === "code-bearing" ? "warn" : "bad";
  return badge(scan.verdict, tone);
}

/** What must be known before the version is used. */
function notesHtml({ problems, retired, approved, record }: CatalogVersion): Html {
  const override = record.gate?.override;
  return join([
    ...problems.map((problem) => html`<p class="note bad">${problem}</p>\n`),
    ...(retired === undefined
      ? []
      : [html`<p class="note bad"><strong>Retired</strong> ${decisionHtml(retired)}</p>\n`]),
    ...(approved === undefined
      ? []
      : [html`<p class="note good"><strong>Approved</strong> ${decisionHtml(approved)}</p>\n`]),
    ...(override === undefined
      ? []
      : [
          html`<p class="note">The gate was overridden by ${override.by}, ${timeHtml(override.at)}: ${override.reason}</p>\n`,
        ]),
  ]);
}

/** What else is other than in the versions that it is compared with; the metrics stand beside its own. */
function comparedHtml(model: CatalogModel, version: CatalogVersion): Html {
  const { record } = version;
  const path = versionPath(model.name, record.version);
  const compared = comparedWith(model, version).map(({ other, called }, i) => {
    const sections = otherSections(compareVersions(record, other.record), {
      version: record,
      before: other.record,
      called: other.record.version,
    });
    const title = `against ${called}`;
    const address = hrefTo(path, differencePath(model.name, record.version, other.record.version));
    const link = html`<p><a href="${address}">On a page of its own, with the metrics</a></p>`;
    const body =
      sections.length === 0
        ? html`<p>Nothing else that is recorded differs.</p>`
        : html`${sections.flatMap(({ blocks }) => blocks.map(blockHtml))}`;
    return i === 0 ? html`<h3>${title}</h3>${body}${link}` : foldedHtml(title, html`${body}${link}`);
  });
  return compared.length === 0 ? nothing : html`<h2>What changed</h2>\n${compared}`;
}
