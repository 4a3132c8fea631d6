import type { CatalogVersion, Decision } from "../../domain/catalog/catalog.ts";
import type { Metric } from "../../domain/metric.ts";
import type { Act, VersionRecord } from "../../domain/model-version.ts";
import { shorten } from "../plain.ts";
import { type Html, html, isWebAddress, join, linkHtml, nothing } from "./html.ts";

/** `2026-11-21 09:00 UTC`, with the whole time for programs. */
export function timeHtml(time: string): Html {
  return html`<time datetime="${time}">${minute(time)} UTC</time>`;
}

export function dayHtml(time: string): Html {
  return html`<time datetime="${time}">${minute(time).slice(0, 10)}</time>`;
}

function minute(time: string): string {
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? time : new Date(ms).toISOString().slice(0, 16).replace("T", " ");
}

/** Who did it, for which release, in which workflow run; the pipeline's run stands beside. */
export function actHtml({ by, release, url, runId }: Act): Html {
  const from = release === undefined ? nothing : html`, release ${release}`;
  const run = runId === undefined ? nothing : html`, run ${shorten(runId, 14)}`;
  const workflow = url !== undefined && isWebAddress(url) ? html` (${linkHtml(url, "workflow")})` : nothing;
  return html`${by}${from}${run}${workflow}`;
}

export function decisionHtml({ reason, environment, act }: Decision): Html {
  const why = reason === undefined ? nothing : html`: ${reason}`;
  const where = environment === undefined ? nothing : html`, environment ${environment}`;
  return html`${timeHtml(act.at)} by ${actHtml(act)}${where}${why}`;
}

type Verdict = NonNullable<VersionRecord["gate"]>["verdict"];
type Tone = "good" | "warn" | "bad" | "mark" | "soft";

const VERDICT_TONES: Readonly<Record<Verdict, Tone>> = { pass: "good", warn: "warn", fail: "bad", "no-data": "warn" };

export function badge(label: string, tone: Tone): Html {
  return html`<span class="badge ${tone}">${label}</span>`;
}

export function verdictBadge({ gate }: VersionRecord): Html {
  if (gate === undefined) return nothing;
  if (gate.override !== undefined) return badge(`gate: ${gate.verdict}, overridden`, "warn");
  return badge(`gate: ${gate.verdict}`, VERDICT_TONES[gate.verdict]);
}

/** Aliases first, the champion's in green; then what stands against using the version. */
export function standingBadges({ aliases, state, approved, problems }: CatalogVersion): Html {
  return join([
    ...aliases.map((alias) => badge(alias, alias === "champion" ? "good" : "mark")),
    ...(approved === undefined ? [] : [badge("approved", "good")]),
    ...(state === "retired" ? [badge("retired", "bad")] : []),
    ...(problems.length > 0 ? [badge("damaged", "bad")] : []),
  ]);
}

export function numberText(value: Metric["value"]): string {
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : value;
}

export function wordsOf(named: { readonly name: string; readonly version?: string | undefined }): string {
  return `${named.name} ${named.version ?? ""}`.trim();
}
