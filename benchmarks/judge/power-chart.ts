import type { Cell } from "./measure.ts";

/** One drawing of the page: a scenario, and by judge when its runs were rolled back. */
export type Panel = {
  readonly title: string;
  readonly lines: readonly { readonly name: string; readonly cell: Cell }[];
};

const [PANEL_WIDTH, PANEL_HEIGHT] = [300, 220];
const [LEFT, TOP, GAP, LEGEND] = [56, 34, 48, 26];
/** Told apart by who sees no red or no green: Okabe and Ito, "Color Universal Design" (2008). */
const COLOURS = ["#0072b2", "#56b4e9", "#000000", "#d55e00", "#e69f00", "#009e73", "#cc79a7", "#8c8c8c"];
const COLUMNS = 3;

/** Which part of the runs was rolled back by when, as an SVG that needs nothing else. */
export function powerChart(panels: readonly Panel[], minutes: number): string {
  const names = panels[0]?.lines.map(({ name }) => name) ?? [];
  const width = LEFT + panels.length * (PANEL_WIDTH + GAP);
  const legendTop = TOP + PANEL_HEIGHT + 46;
  const height = legendTop + Math.ceil(names.length / COLUMNS) * LEGEND;
  const drawn = panels.map((panel, i) =>
    panelSvg(panel, { x: LEFT + i * (PANEL_WIDTH + GAP), minutes, isFirst: i === 0 }),
  );
  const legend = names.map((name, i) => {
    const x = LEFT + (i % COLUMNS) * ((width - LEFT) / COLUMNS);
    const y = legendTop + Math.floor(i / COLUMNS) * LEGEND;
    return `<path d="M${x} ${y}h24" stroke="${COLOURS[i % COLOURS.length]}" stroke-width="${widthOf(i)}"/><text x="${x + 30}" y="${y + 4}">${escaped(name)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Part of the runs that were rolled back over time, by judge">
<style>text{font:12px system-ui,sans-serif;fill:#222}.title{font-weight:600}.axis{stroke:#ddd}path{fill:none}</style>
<rect width="${width}" height="${height}" fill="#fff"/>
${[...drawn, ...legend].join("\n")}
</svg>
`;
}

type Place = { readonly x: number; readonly minutes: number; readonly isFirst: boolean };

function panelSvg({ title, lines }: Panel, { x, minutes, isFirst }: Place): string {
  const atX = (minute: number) => round(x + (minute / minutes) * PANEL_WIDTH);
  const atY = (part: number) => round(TOP + (1 - part) * PANEL_HEIGHT);
  const grid = [0, 0.25, 0.5, 0.75, 1].map(
    (part) =>
      `<path class="axis" d="M${x} ${atY(part)}h${PANEL_WIDTH}"/>${isFirst ? `<text x="${x - 6}" y="${atY(part) + 4}" text-anchor="end">${part * 100} %</text>` : ""}`,
  );
  const ticks = [0, 10, 20, 30]
    .filter((minute) => minute <= minutes)
    .map(
      (minute) => `<text x="${atX(minute)}" y="${TOP + PANEL_HEIGHT + 18}" text-anchor="middle">${minute} min</text>`,
    );
  const paths = lines.map(
    ({ cell }, i) =>
      `<path d="${stepsOf(cell, atX, atY)}H${atX(minutes)}" stroke="${COLOURS[i % COLOURS.length]}" stroke-width="${widthOf(i)}"/>`,
  );
  // ours last, so that nothing lies over it
  return [
    ...grid,
    ...ticks,
    `<text class="title" x="${x}" y="${TOP - 14}">${escaped(title)}</text>`,
    ...paths.reverse(),
  ].join("");
}

/** A step at each moment at which runs were rolled back. */
function stepsOf({ times, runs }: Cell, atX: (minute: number) => number, atY: (part: number) => number): string {
  const moments = [...new Set(times)];
  const counts = moments.map((moment) => times.findLastIndex((time) => time <= moment) + 1);
  return `M${atX(0)} ${atY(0)}${moments.map((moment, i) => `H${atX(moment)}V${atY((counts[i] ?? 0) / runs)}`).join("")}`;
}

/** The two of ours are drawn bolder. */
function widthOf(line: number): number {
  return line < 2 ? 3 : 1.5;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("**", "").replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
