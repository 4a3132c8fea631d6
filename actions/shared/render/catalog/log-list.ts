import type { ModelEvent } from "../../domain/model-version.ts";
import { formatCount } from "../../domain/quantity.ts";
import { foldedHtml, type Html, html, nothing } from "./html.ts";
import { actHtml, timeHtml } from "./words.ts";

/** The newest of so many entries are shown; the JSON beside the pages has all. */
const MAX_EVENTS = 500;

/** What happened, newest first. */
export function logHtml(events: readonly ModelEvent[]): Html {
  if (events.length === 0) return nothing;
  const shown = events.toReversed().slice(0, MAX_EVENTS);
  const items = shown.map(
    (event) => html`<li>${timeHtml(event.act.at)}: ${eventText(event)}, by ${actHtml(event.act)}</li>\n`,
  );
  const more = events.length > shown.length ? html`<p>and ${events.length - shown.length} earlier ones</p>` : nothing;
  return html`<h2>Log</h2>\n${foldedHtml(`${formatCount(events.length, "entry", "entries")}, newest first`, html`<ul>${items}</ul>${more}`)}`;
}

function eventText({ event, version, alias, previous, target, reason, catalog, environment }: ModelEvent): Html {
  const why = reason === undefined ? nothing : html` (${reason})`;
  const where = environment === undefined ? nothing : html` in environment ${environment}`;
  switch (event) {
    case "alias-moved":
      return html`<strong>${alias ?? "alias"}</strong> ${previous === undefined ? html`set to` : html`moved from ${previous.version} to`} ${version}${where}${why}`;
    case "promoted":
    case "rolled-back":
      return html`${version} ${event.replace("-", " ")}${target === undefined ? nothing : html` at ${target}`}${why}`;
    case "published":
      return html`${version} published${catalog === undefined ? nothing : html` in ${catalog.kind} at ${catalog.address}`}${why}`;
    case "registered":
    case "approved":
    case "retired":
    case "restored":
      return html`${version} ${event}${where}${why}`;
  }
}
