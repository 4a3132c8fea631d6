import type { MetricSeries } from "../../domain/catalog/catalog.ts";
import { shorten } from "../plain.ts";
import { type Html, html, join, nothing } from "./html.ts";
import { numberText } from "./words.ts";

const WIDTH = 340;
const HEIGHT = 160;
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 16, 12, 26];
/** From the axis to the first version. */
const INSET = 8;
/** Of so many versions each has a dot that can be told from its neighbour. */
const MANY = 60;

/** Which version serves, and which ones have served. */
export type Champions = { readonly now: string | undefined; readonly ever: ReadonlySet<string> };

type Dot = {
  readonly version: string;
  readonly value: number;
  readonly data: string | undefined;
  readonly x: number;
  readonly y: number;
};

/**
 * One metric over the versions as a drawing. Versions stand at even distances; the line is broken where a version was measured on other data, which
 * cannot be compared, or where it has no number. Undefined where fewer than two versions have one.
 */
export function metricChart({ name, points }: MetricSeries, champions: Champions): Html | undefined {
  const numbers = points.map(({ value }) => value).filter(isDrawable);
  if (numbers.length < 2) return undefined;
  const [low, high] = rangeOf(numbers);
  const y = (value: number) => round(TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM));
  const x = (i: number) => round(LEFT + INSET + (i / (points.length - 1)) * (WIDTH - LEFT - RIGHT - INSET));
  const dots = points.map(({ version, value, dataset }, i): Dot | undefined =>
    isDrawable(value) ? { version, value, data: dataset?.digest, x: x(i), y: y(value) } : undefined,
  );
  const known = dots.filter((dot) => dot !== undefined);
  const paths = linesOf(dots).map((line) => html`<path class="line" d="${pathOf(line)}"/>`);
  const label = `${name} over ${points.length} versions: ${known.map(({ version, value }) => `${version} ${numberText(value)}`).join(", ")}`;
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${shorten(label, 600)}">
${axes(low, high, y)}${ends(points)}
${paths}${known.map((dot) => dotHtml(dot, { champions, isSmall: points.length > MANY }))}
</svg>`;
}

/** Whether two versions that follow each other were measured on different data. */
export function isBroken({ points }: MetricSeries): boolean {
  return new Set(points.map(({ dataset }) => dataset?.digest)).size > 1;
}

/** Of the very largest the distance between two is no number. */
function isDrawable(value: number | string): value is number {
  return typeof value === "number" && Math.abs(value) <= 1e300;
}

/** A little more than the values take; never nothing. */
function rangeOf(values: readonly number[]): readonly [low: number, high: number] {
  const [min, max] = [Math.min(...values), Math.max(...values)];
  const space = max === min ? Math.abs(max) * 0.05 || 1 : (max - min) * 0.12;
  return [min - space, max + space];
}

function axes(low: number, high: number, y: (value: number) => number): Html {
  return join(
    ticksOf(low, high).map(
      (tick) =>
        html`<path class="axis" d="M${LEFT} ${y(tick)}H${WIDTH - RIGHT}"/><text class="tick" x="${LEFT - 6}" y="${y(tick) + 4}" text-anchor="end">${numberText(tick)}</text>`,
    ),
  );
}

/** Two to five round numbers within the range. */
function ticksOf(low: number, high: number): readonly number[] {
  const rough = (high - low) / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? power;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, i) => Number(((first + i) * step).toPrecision(10)));
}

function ends(points: MetricSeries["points"]): Html {
  const [first, last] = [points[0]?.version ?? "", points.at(-1)?.version ?? ""];
  const y = HEIGHT - 8;
  return html`<text class="tick" x="${LEFT}" y="${y}">${shorten(first, 20)}</text><text class="tick" x="${WIDTH - RIGHT}" y="${y}" text-anchor="end">${shorten(last, 20)}</text>`;
}

function linesOf(dots: readonly (Dot | undefined)[]): readonly (readonly Dot[])[] {
  const lines: Dot[][] = [];
  let before: Dot | undefined;
  for (const dot of dots) {
    if (dot !== undefined) {
      if (before !== undefined && before.data === dot.data) lines.at(-1)?.push(dot);
      else lines.push([dot]);
    }
    before = dot;
  }
  return lines.filter((line) => line.length > 1);
}

function pathOf(line: readonly Dot[]): string {
  return line.map(({ x, y }, i) => `${i === 0 ? "M" : "L"}${x} ${y}`).join("");
}

function dotHtml(
  { version, value, x, y }: Dot,
  { champions, isSmall }: { readonly champions: Champions; readonly isSmall: boolean },
): Html {
  const isHeld = champions.ever.has(version) || version === champions.now;
  const words = version === champions.now ? ", champion" : isHeld ? ", was champion" : "";
  const ring = version === champions.now ? html`<circle class="champion" cx="${x}" cy="${y}" r="8"/>` : nothing;
  return html`<g><title>${version}: ${numberText(value)}${words}</title>${ring}<circle class="dot${isHeld ? " held" : ""}" cx="${x}" cy="${y}" r="${isSmall ? 2 : 4}"/></g>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
