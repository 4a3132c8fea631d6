import { writtenScalars } from "./yaml.ts";

/**
 * A package's text as every parser reads it in the same way. The SDK writes the YAML of Python; this project and the API server read YAML
 * 1.2, which differs in two places that packages in use have met:
 *
 * - the further lines of a quoted text may stand one column further left;
 * - texts such as `1e3` and `08`, a learning rate or a month, need no quotes, and would be taken for numbers.
 *
 * Lines keep their numbers; a text that is sound stays as it is.
 */
export function packageText(text: string): string {
  return quoteTexts(indentQuoted(text));
}

/** What a file is that holds no text, in words; undefined for text. */
export function binaryKind(text: string): string | undefined {
  if (text.startsWith("PK\u0003\u0004") || text.startsWith("PK\u0005\u0006")) return "a zip archive";
  if (text.startsWith("\u001f\ufffd")) return "a gzip archive";
  return text.includes("\0") || text.includes("\ufffd") ? "bytes that are no text" : undefined;
}

/** How much is added: more than the one column that is missing does no harm. */
const DEEPER = 2;

/** Indentation within quotes is no part of the text. */
function indentQuoted(text: string): string {
  const mended = new Set<number>();
  let now = text;
  for (;;) {
    const start = writtenScalars(now).cut?.start;
    if (start === undefined || mended.has(start)) return now;
    mended.add(start);
    const end = endOfQuoted(now, start);
    now = now.slice(0, start) + now.slice(start, end).replaceAll("\n", `\n${" ".repeat(DEEPER)}`) + now.slice(end);
  }
}

/** Just behind the closing quote; the end of the text where there is none. */
function endOfQuoted(text: string, start: number): number {
  const closing = text[start] === '"' ? /\\[\s\S]|"/g : /''|'/g;
  closing.lastIndex = start + 1;
  for (let found = closing.exec(text); found !== null; found = closing.exec(text))
    if (found[0].length === 1) return closing.lastIndex;
  return text.length;
}

/** How the SDK begins every package that it writes. */
const BY_SDK = "# PIPELINE DEFINITION";

/** Numbers of YAML 1.2 that Python's YAML takes for texts: its numbers with an exponent have a point and a sign, its octal ones no `o`. */
const TEXT_OF_PYTHON =
  /^(?:[-+]?\d+[eE][-+]?\d+|[-+]?(?:\d+\.\d*|\.\d+)[eE]\d+|[-+]\.\d+(?:[eE][-+]?\d+)?|0o[0-7]+|[-+]?0\d*[89]\d*)$/;
const SOMEWHERE = new RegExp(`(?:^|[ :-])${TEXT_OF_PYTHON.source.slice(1, -1)}[ ]*$`, "m");

function quoteTexts(text: string): string {
  if (!text.startsWith(BY_SDK) || !SOMEWHERE.test(text)) return text;
  const places = writtenScalars(text).scalars.filter(({ isPlain, source }) => isPlain && TEXT_OF_PYTHON.test(source));
  // from the end, so that the places before keep their numbers
  return places
    .toSorted((a, b) => b.start - a.start)
    .reduce((now, { start, end }) => `${now.slice(0, start)}'${now.slice(start, end)}'${now.slice(end)}`, text);
}
