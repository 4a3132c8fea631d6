import { oneLine } from "./plain.ts";

/** Zero width space, as GitHub's Markdown reads it: breaks what would become a mention, a reference, a link or an emoji. It holds a # itself: those come first. */
const BREAK = "&#8203;";

/**
 * A text as GitHub's Markdown shows it letter by letter: no HTML, link, image, mention, reference, emoji, formula, table cell or emphasis comes of it.
 * What makes a list, a heading or a rule of a line is escaped, 0.96 and +0.003 are not. On one line; good inside of a paragraph, a list item, a heading and a table cell.
 */
export function escapeMarkdown(text: string): string {
  return oneLine(text)
    .replaceAll(/[\\`*_~[\]$|^]/g, "\\$&")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll(/#(?=\w)/g, `#${BREAK}`)
    .replaceAll("@", `@${BREAK}`)
    .replaceAll(/:(?=[\w+/-])/g, `:${BREAK}`)
    .replaceAll(/(www)\./gi, `$1${BREAK}.`)
    .replaceAll(/(GH)-(?=\d)/gi, `$1-${BREAK}`)
    .replace(/^(\s*)([-+](?=\s|$)|[#=]|--)/, "$1\\$2")
    .replace(/^(\s*\d+)([.)])(?=\s|$)/, "$1\\$2");
}

/** A code span; one that could end a table cell, or be ended by its own backticks, is written as HTML. */
export function codeSpan(text: string): string {
  const line = oneLine(text);
  if (line.trim() === "") return line === "" ? "" : "` `";
  if (/[`|\\]/.test(line)) return `<code>${escapeEverything(line)}</code>`;
  return /^ | $/.test(line) ? `\` ${line} \`` : `\`${line}\``;
}

/** Text inside of an HTML tag that Markdown leaves alone (`<summary>`). */
export function escapeHtml(text: string): string {
  return oneLine(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll(/#(?=\w)/g, `#${BREAK}`)
    .replaceAll("@", `@${BREAK}`);
}

/** A code block; its fence is longer than any inside of it. */
export function codeBlock(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const name = /^[A-Za-z0-9_+-]*$/.test(language) ? language : "";
  return `${fence}${name}\n${text.replace(/\n$/, "")}\n${fence}`;
}

/** A link to an address of the web; anything else (`javascript:`, a file) is shown as text. */
export function link(address: string, label: string): string {
  if (!/^https?:\/\/[^\s<>()"'\\`|]+$/.test(address)) return `${escapeMarkdown(label)} (${codeSpan(address)})`;
  return `[${escapeMarkdown(label)}](<${address.replaceAll("&", "&amp;")}>)`;
}

/** Entities stand for themselves and never for Markdown's own signs. */
function escapeEverything(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9 ]/gu, (char) => `&#${char.codePointAt(0)};`);
}
