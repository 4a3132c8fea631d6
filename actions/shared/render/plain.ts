import { spansOf, type Text } from "../domain/report.ts";

/** Inline text without any mark-up, on one line. */
export function plainText(text: Text): string {
  return spansOf(text)
    .map((span) => {
      if (typeof span === "string") return span;
      if ("code" in span) return span.code;
      if ("strong" in span) return span.strong;
      return span.label;
    })
    .map(oneLine)
    .join("");
}

/** Line breaks and tabs as spaces; control characters, and those that turn the direction of text around, not at all. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\t\n\r\u2028\u2029]+/g, " ").replaceAll(INVISIBLE, "");
}

/** Several lines as they are, without what a terminal or a reader could be fooled with. */
export function visibleLines(text: string): string {
  return text.replaceAll(/\r\n?|\u2028|\u2029/g, "\n").replaceAll(INVISIBLE_BUT_LAYOUT, "");
}

/** The text, or its beginning and an ellipsis; counted in code points, none is split. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const points = [...text];
  return points.length <= limit ? text : `${points.slice(0, Math.max(0, limit - 1)).join("")}…`;
}

/** Columns that a terminal gives to a text: wide characters (East Asian, emoji) take two, combining ones none. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const char of text) {
    if (/\p{M}|\u200b|\ufe0f/u.test(char)) continue;
    columns +=
      /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u.test(
        char,
      )
        ? 2
        : 1;
  }
  return columns;
}

// C0 and C1 controls, the bidirectional overrides and isolates (U+202A to U+202E, U+2066 to U+2069), lone surrogates.
const INVISIBLE = /[\p{Cc}\u202a-\u202e\u2066-\u2069\p{Cs}]/gu;
const INVISIBLE_BUT_LAYOUT = /(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069\p{Cs}]/gu;
