import { canonicalJson, type Json } from "../../domain/canonical.ts";
import type { Catalog } from "../../domain/catalog/catalog.ts";
import { comparedWith } from "./compared-with.ts";
import { differencePage } from "./difference-page.ts";
import { indexPage } from "./index-page.ts";
import { CATALOG_PATH } from "./links.ts";
import { modelPage } from "./model-page.ts";
import { type Page, pageText } from "./page.ts";
import { versionPage } from "./version-page.ts";

export type SiteFile = { readonly path: string; readonly text: string };

export type Site = {
  readonly catalog: Catalog;
  /** The Markdown of model cards, by `name@version`. */
  readonly cards: ReadonlyMap<string, string>;
};

/**
 * A static site: the catalog as JSON, an index of models, a page for each model, each version, and each version against those that it is compared
 * with. Made one by one, so that a store of thousands of versions is never in memory as text. Paths are relative, with `/`.
 */
export function* catalogSite({ catalog, cards }: Site): Iterable<SiteFile> {
  yield { path: CATALOG_PATH, text: `${canonicalJson(catalog as unknown as Json)}\n` };
  for (const page of pages({ catalog, cards })) yield { path: page.path, text: pageText(page, catalog) };
}

function* pages({ catalog, cards }: Site): Iterable<Page> {
  yield indexPage(catalog);
  for (const model of catalog.models) {
    yield modelPage(model);
    for (const version of model.versions) {
      yield versionPage(model, version, cards.get(`${model.name}@${version.record.version}`));
      for (const { other } of comparedWith(model, version)) yield differencePage(model, version, other);
    }
  }
}
