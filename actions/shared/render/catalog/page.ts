import type { Catalog } from "../../domain/catalog/catalog.ts";
import { type Html, html, join } from "./html.ts";
import { CATALOG_PATH, hrefTo, INDEX_PATH } from "./links.ts";
import { STYLE } from "./style.ts";
import { timeHtml } from "./words.ts";

export type Page = {
  readonly path: string;
  readonly title: string;
  /** The pages above this one, outermost first; the index is always there. */
  readonly above: readonly { readonly label: string; readonly path: string }[];
  readonly body: Html;
};

/** The one thing that a page may do is show itself: no script runs in it and nothing is loaded, whatever a name or a card says. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

export function pageText({ path, title, above, body }: Page, { store, madeAt }: Catalog): string {
  const trail = [{ label: "models", path: INDEX_PATH }, ...above].filter((page) => page.path !== path);
  const links = trail.map((page) => html`<a href="${hrefTo(path, page.path)}">${page.label}</a>`);
  const nav = links.length === 0 ? html`Model catalog` : join(links, " / ");
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${{ html: STYLE }}</style>
</head>
<body>
<header><nav aria-label="above">${nav}</nav></header>
<main>
${body}
</main>
<footer>Made ${timeHtml(madeAt)} from ${store}. <a href="${hrefTo(path, CATALOG_PATH)}">The same as JSON</a></footer>
</body>
</html>
`;
  return page.html;
}
