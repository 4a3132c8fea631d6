import { type Block, type Section, spansOf, type Text } from "../../domain/report.ts";
import { oneLine, visibleLines } from "../plain.ts";

/** Text that is HTML already. Only `html` and what stands on it make it: everything else is escaped. */
export type Html = { readonly html: string };

type Value = Html | string | number | undefined | readonly Html[];

/** Template tag for HTML: texts are escaped, for elements and for attributes in quotes; undefined is nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return { html: parts.map((part, i) => part + written(values[i])).join("") };
}

export const nothing: Html = { html: "" };

export function join(parts: readonly Html[], between = ""): Html {
  return { html: parts.map((part) => part.html).join(between) };
}

function written(value: Value): string {
  if (value === undefined) return "";
  if (typeof value === "string") return withEntities(oneLine(value));
  if (typeof value === "number") return String(value);
  return isList(value) ? join(value).html : value.html;
}

function isList(value: Html | readonly Html[]): value is readonly Html[] {
  return Array.isArray(value);
}

function withEntities(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

export function textHtml(text: Text): Html {
  return join(
    spansOf(text).map((span) => {
      if (typeof span === "string") return html`${span}`;
      if ("code" in span) return codeHtml(span.code);
      if ("strong" in span) return html`<strong>${span.strong}</strong>`;
      return linkHtml(span.link, span.label);
    }),
  );
}

export function codeHtml(text: string): Html {
  return text === "" ? nothing : html`<code>${text}</code>`;
}

/** A link to an address of the web; anything else (`javascript:`, a file) is shown as text. */
export function linkHtml(address: string, label: string): Html {
  if (!isWebAddress(address)) return html`${label} (${codeHtml(address)})`;
  return html`<a href="${address}" rel="noopener noreferrer">${label}</a>`;
}

export function isWebAddress(address: string): boolean {
  return /^https?:\/\/[^\s<>"'\\`]+$/.test(address);
}

/** The same sections that a job summary has. */
export function sectionHtml({ title, folded, blocks }: Section): Html {
  const body = blocks.map(blockHtml);
  if (folded) return foldedHtml(title ?? "Details", join(body));
  return html`${title === undefined ? nothing : html`<h3>${title}</h3>`}${body}`;
}

export function foldedHtml(title: string, body: Html): Html {
  return html`<details><summary>${title}</summary>${body}</details>`;
}

export function blockHtml(block: Block): Html {
  switch (block.kind) {
    case "paragraph":
      return html`<p>${textHtml(block.text)}</p>`;
    case "list":
      return html`<ul>${block.items.map((item) => html`<li>${textHtml(item)}</li>`)}</ul>`;
    case "table":
      return tableHtml(
        block.columns,
        block.rows.map((row) => row.map(textHtml)),
      );
    case "code":
      return html`<pre><code>${{ html: withEntities(visibleLines(block.text)) }}</code></pre>`;
    // No page of the catalog has one: its charts are drawn of series of versions.
    case "chart":
      return nothing;
  }
}

export type ColumnHtml = { readonly title: string; readonly align?: "left" | "right" };

/**
 * A table that scrolls by itself where the page is narrow. The first cell of a row names it; a column that has nothing to say in any row is left out.
 */
export function tableHtml(columns: readonly ColumnHtml[], rows: readonly (readonly Html[])[]): Html {
  const told = columns.flatMap((column, i) =>
    i === 0 || rows.some((row) => row[i] !== undefined && row[i].html !== "") ? [{ ...column, i }] : [],
  );
  const head = told.map(({ title, align }) => html`<th scope="col"${sideOf(align)}>${title}</th>`);
  const body = rows.map(
    (row) =>
      html`<tr>${told.map(({ align, i }) => {
        const cell = row[i] ?? nothing;
        return i === 0 ? html`<th scope="row"${sideOf(align)}>${cell}</th>` : html`<td${sideOf(align)}>${cell}</td>`;
      })}</tr>\n`,
  );
  return html`<div class="scroll" tabindex="0"><table><thead><tr>${head}</tr></thead>\n<tbody>\n${body}</tbody></table></div>`;
}

function sideOf(align: ColumnHtml["align"]): Html {
  return align === "right" ? { html: ' class="right"' } : nothing;
}
