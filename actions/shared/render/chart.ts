import type { Block } from "../domain/report.ts";
import { oneLine, shorten } from "./plain.ts";

export type Chart = Extract<Block, { kind: "chart" }>;
type Point = readonly [x: number, y: number];

/** Points that one chart shows of each series; Mermaid spreads values evenly over the axis, so they are sampled at even distances. */
const SAMPLES = 41;

/** A Mermaid `xychart-beta`, or undefined where there is nothing to draw. */
export function mermaidChart(chart: Chart): string | undefined {
  const series = chart.series.map(({ name, points }) => ({ name, points: points.filter(isFinitePoint).toSorted(byX) }));
  const drawn = series.filter(({ points }) => points.length >= 2);
  const xs = drawn.flatMap(({ points }) => points.map(([x]) => x));
  const [min, max] = [Math.min(...xs), Math.max(...xs)];
  if (drawn.length === 0 || min === max) return undefined;
  const count = Math.min(SAMPLES, Math.max(...drawn.map(({ points }) => points.length)));
  const places = Array.from({ length: count }, (_, i) => min + ((max - min) * i) / (count - 1));
  return [
    "xychart-beta",
    `  title ${quote(chart.title)}`,
    `  x-axis ${quote(chart.xLabel)} ${short(min)} --> ${short(max)}`,
    `  y-axis ${quote(chart.yLabel)}`,
    ...drawn.map(({ points }) => `  line [${places.map((x) => short(valueAt(points, x))).join(", ")}]`),
  ].join("\n");
}

/** The order of the lines, for the sentence below the chart: Mermaid draws no legend. */
export function chartLegend(chart: Chart): string {
  return chart.series.map(({ name }) => name).join(", ");
}

function isFinitePoint(point: Point): boolean {
  return Number.isFinite(point[0]) && Number.isFinite(point[1]);
}

function byX(a: Point, b: Point): number {
  return a[0] - b[0];
}

/** Linear between the two neighbours; the end value outside. */
function valueAt(points: readonly Point[], x: number): number {
  const next = points.findIndex((point) => point[0] >= x);
  const right = points[next];
  const left = points[next - 1];
  if (right === undefined) return points.at(-1)?.[1] ?? 0;
  if (left === undefined || right[0] === left[0]) return right[1];
  return left[1] + ((right[1] - left[1]) * (x - left[0])) / (right[0] - left[0]);
}

/** Plain digits: Mermaid reads no exponent. */
function short(value: number): string {
  const text = String(Number(value.toPrecision(4)));
  return text.includes("e") ? value.toFixed(Math.abs(value) < 1 ? 12 : 0) : text;
}

/** Mermaid knows no escape inside of a quoted text. */
function quote(text: string): string {
  return `"${shorten(oneLine(text), 60).replaceAll(/["\\`<>;#%{}[\]]/g, " ")}"`;
}
