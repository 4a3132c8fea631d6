import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";
import { splitCard } from "../domain/model-card.ts";
import type { Html } from "./catalog/html.ts";
import { visibleLines } from "./plain.ts";

/** What lies in a store may be of any size; a card that people read is not. */
const MAX_LETTERS = 200_000;

/**
 * The text of a model card as HTML. Cards hold what strangers wrote: HTML in them is shown as text, links lead to the web or nowhere, and an
 * image becomes a link, so that nothing is asked of anybody's server.
 */
export function cardHtml(markdown: string): Html {
  const { body } = splitCard(markdown);
  const shown = body.length > MAX_LETTERS ? `${body.slice(0, MAX_LETTERS)}\n\n*and more*` : body;
  const text = micromark(visibleLines(shown), {
    extensions: [gfm(), { disable: { null: ["labelStartImage"] } }],
    htmlExtensions: [gfmHtml()],
  });
  // Where Markdown has an exclamation mark before a link, an image was meant; a link that may lead nowhere is none.
  return { html: text.replaceAll("!<a href=", "image <a href=").replaceAll('<a href="">', "<a>") };
}
