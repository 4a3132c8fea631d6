import { LINEAGE_LAYERS, type Lineage, type LineageNode } from "../../domain/catalog/lineage.ts";
import { shorten } from "../plain.ts";
import { type Html, html, isWebAddress, join } from "./html.ts";

const PADDING = 10;
const LINE = 16;
const GAP = 14;

type Placed = LineageNode & {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};

/** Where something comes from and where it went, drawn twice: from left to right, and from top to bottom for a narrow page. */
export function lineageGraph(lineage: Lineage): Html {
  return html`${across(lineage)}${down(lineage)}`;
}

const WIDTH = 230;
const BETWEEN = 44;

function across({ nodes, edges }: Lineage): Html {
  const layers = layersOf(nodes);
  const heights = layers.map((layer) => layer.reduce((sum, node) => sum + heightOf(node) + GAP, -GAP));
  const height = Math.max(...heights);
  const placed = layers.flatMap((layer, column) => {
    let y = (height - (heights[column] ?? 0)) / 2;
    return layer.map((node): Placed => {
      const place = { ...node, x: column * (WIDTH + BETWEEN), y, width: WIDTH, height: heightOf(node) };
      y += place.height + GAP;
      return place;
    });
  });
  const paths = edges.flatMap(({ from, to, isKnown }) => {
    const [a, b] = [placed[from], placed[to]];
    if (a === undefined || b === undefined) return [];
    const [x1, y1, x2, y2] = [a.x + a.width, middle(a), b.x, middle(b)];
    const turn = x2 - BETWEEN / 2;
    return [
      edge(`M${x1} ${y1}H${turn - 10}C${turn + 6} ${y1} ${turn - 6} ${y2} ${turn + 8} ${y2}H${x2 - 7}`, {
        x: x2,
        y: y2,
        isKnown,
      }),
    ];
  });
  return drawing("across", layers.length * (WIDTH + BETWEEN) - BETWEEN, { height, nodes: placed, paths });
}

const NARROW = 330;
const INDENT = 16;

/** Boxes below each other; lines run down at their left, those of each layer in a place of their own. */
function down({ nodes, edges }: Lineage): Html {
  const layers = layersOf(nodes);
  const left = layers.length * INDENT;
  let y = 0;
  const placed = layers.flat().map((node): Placed => {
    const place = { ...node, x: left, y, width: NARROW - left, height: heightOf(node) };
    y += place.height + GAP;
    return place;
  });
  const paths = edges.flatMap(({ from, to, isKnown }) => {
    const [a, b] = [placed[from], placed[to]];
    if (a === undefined || b === undefined) return [];
    const lane = left - INDENT * (1 + layers.findIndex((layer) => layer[0]?.layer === a.layer));
    return [
      edge(`M${a.x} ${middle(a) + 5}H${lane}V${middle(b) - 5}H${b.x - 7}`, { x: b.x, y: middle(b) - 5, isKnown }),
    ];
  });
  return drawing("narrow", NARROW, { height: y - GAP, nodes: placed, paths });
}

function layersOf(nodes: readonly LineageNode[]): readonly (readonly LineageNode[])[] {
  return LINEAGE_LAYERS.map((layer) => nodes.filter((node) => node.layer === layer)).filter(({ length }) => length > 0);
}

function heightOf({ lines }: LineageNode): number {
  return 2 * PADDING + LINE * (1 + lines.length);
}

function middle({ y, height }: Placed): number {
  return y + height / 2;
}

type Head = { readonly x: number; readonly y: number; readonly isKnown: boolean };

function edge(path: string, { x, y, isKnown }: Head): Html {
  return html`<path class="edge${isKnown ? "" : " guess"}" d="${path}"/><path class="arrow" d="M${x} ${y}l-8 -4v8z"/>`;
}

function drawing(
  kind: "across" | "narrow",
  width: number,
  {
    height,
    nodes,
    paths,
  }: { readonly height: number; readonly nodes: readonly Placed[]; readonly paths: readonly Html[] },
): Html {
  const label = nodes.map(({ title, lines }) => [title, ...lines].join(" ")).join("; ");
  return html`<svg class="${kind}" viewBox="-1 -1 ${width + 2} ${height + 2}" width="${width + 2}" height="${height + 2}" role="img" aria-label="Lineage: ${shorten(label, 2_000)}">
${paths}${nodes.map(nodeHtml)}
</svg>`;
}

function nodeHtml({ x, y, width, height, layer, title, lines, url }: Placed): Html {
  const fits = Math.floor((width - 2 * PADDING) / 6.9);
  const what = html`<text class="what" x="${x + PADDING}" y="${y + PADDING + 12}">${shorten(title, fits)}</text>`;
  const more = lines.map(
    (line, i) =>
      html`<text class="more" x="${x + PADDING}" y="${y + PADDING + 12 + LINE * (i + 1)}">${shorten(line, fits)}</text>`,
  );
  const whole = [title, ...lines].join("\n");
  const box = html`<rect class="box${layer === "version" ? " self" : ""}" x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>`;
  const head = url !== undefined && isWebAddress(url) ? html`<a href="${url}">${what}</a>` : what;
  return html`<g><title>${whole}</title>${box}${head}${join(more)}</g>`;
}
