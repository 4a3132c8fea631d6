import type { Json } from "./canonical.ts";
import type { VersionRecord } from "./model-version.ts";

/** A card that the user wrote: the map at its head, and the text below. */
export type OwnCard = { readonly head: Readonly<Record<string, Json>>; readonly body: string };

/** What a card says; times are left out, so that an attempt that is repeated writes the same card. */
export type CardFacts = Pick<
  VersionRecord,
  | "model"
  | "version"
  | "digest"
  | "files"
  | "format"
  | "framework"
  | "signature"
  | "data"
  | "metrics"
  | "code"
  | "pipeline"
  | "run"
  | "gate"
  | "licence"
>;

/** Parts a card at the lines of three dashes: the YAML between them keeps the line numbers that it has in the file. */
export function splitCard(text: string): { readonly head: string | undefined; readonly body: string } {
  const match = /^\ufeff?---[ \t]*\r?\n(?:([\s\S]*?)\r?\n)??---[ \t]*(?:\r?\n|$)/.exec(text);
  if (match === null) return { head: undefined, body: text.replace(/^\ufeff/, "") };
  return { head: `\n${match[1] ?? ""}`, body: text.slice(match[0].length) };
}
