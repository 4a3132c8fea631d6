import type { CatalogModel, CatalogVersion } from "../../domain/catalog/catalog.ts";
import { differenceSections } from "../../domain/difference-sections.ts";
import { type Html, html, sectionHtml } from "./html.ts";
import { differencePath, hrefTo, modelPath, versionPath } from "./links.ts";
import type { Page } from "./page.ts";
import { dayHtml, standingBadges, verdictBadge } from "./words.ts";

/** What changed between two versions of a model. */
export function differencePage({ name }: CatalogModel, version: CatalogVersion, before: CatalogVersion): Page {
  const [now, then] = [version.record.version, before.record.version];
  const path = differencePath(name, now, then);
  const side = (one: CatalogVersion): Html => {
    const { record } = one;
    const link = html`<a href="${hrefTo(path, versionPath(name, record.version))}">${record.version}</a>`;
    return html`<li>${link} of ${dayHtml(record.createdAt)} ${standingBadges(one)}${verdictBadge(record)}</li>`;
  };
  const body = html`<h1>${name} ${now} against ${then}</h1>
<ul>${side(version)}${side(before)}</ul>
${differencesHtml(version, before)}`;
  const above = [
    { label: name, path: modelPath(name) },
    { label: now, path: versionPath(name, now) },
  ];
  return { path, title: `${name} ${now} against ${then}`, above, body };
}

function differencesHtml({ record }: CatalogVersion, before: CatalogVersion): Html {
  const called = before.aliases.includes("champion") ? `champion ${before.record.version}` : before.record.version;
  const sections = differenceSections({ version: record, before: before.record, called });
  if (sections.length === 0) return html`<p>Nothing that is recorded differs.</p>`;
  return html`${sections.map(sectionHtml)}`;
}
