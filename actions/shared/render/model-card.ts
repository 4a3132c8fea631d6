import type { Json } from "../domain/canonical.ts";
import { shortDigest } from "../domain/digest.ts";
import { formatMetricName, type Metric } from "../domain/metric.ts";
import type { CardFacts, OwnCard } from "../domain/model-card.ts";
import { formatCount, formatSize } from "../domain/quantity.ts";
import { type Block, code, type Text, text } from "../domain/report.ts";
import { escapeMarkdown } from "./escape-markdown.ts";
import { formatFrontMatter } from "./front-matter.ts";
import { markdownSection } from "./markdown.ts";

/**
 * The model card: front matter that hubs and search engines read (`model-index`: each metric with the data set that it was measured on, by
 * digest), and the same for people. What the user wrote stays: a key of the user's head wins over ours, the user's text comes first.
 */
export function renderModelCard(facts: CardFacts, own: OwnCard | undefined): string {
  const task = own?.head.pipeline_tag;
  const head = {
    ...own?.head,
    ...withoutKeys(headOf(facts, typeof task === "string" ? task : undefined), Object.keys(own?.head ?? {})),
  };
  const body = own?.body.trim() ?? "";
  const title = escapeMarkdown(`${facts.model} ${facts.version}`);
  const text =
    body === ""
      ? [`# ${title}`, ...sections(facts, "##")]
      : [body, `## ${title} as registered`, ...sections(facts, "###")];
  return `${formatFrontMatter(head)}\n${text.join("\n\n")}\n`;
}

type Head = Readonly<Record<string, Json | undefined>>;

function withoutKeys(head: Head, keys: readonly string[]): Head {
  return Object.fromEntries(Object.entries(head).filter(([key]) => !keys.includes(key)));
}

function headOf(facts: CardFacts, task: string | undefined): Head {
  const { model, framework, licence, metrics = [] } = facts;
  const names = [...new Set(metrics.map(({ name }) => name))];
  const results = resultsOf(metrics, task ?? "other");
  return {
    ...licenceKeys(licence),
    ...(framework === undefined ? {} : { library_name: LIBRARIES[framework.name.toLowerCase()] ?? framework.name }),
    ...(names.length === 0 ? {} : { metrics: names }),
    model_name: model,
    ...(results.length === 0 ? {} : { "model-index": [{ name: model, results }] }),
  };
}

/** Where a hub's name of a library is not its own. */
const LIBRARIES: Readonly<Record<string, string>> = { "scikit-learn": "sklearn", torch: "pytorch", tf: "tensorflow" };

/** Licences that hubs know by the SPDX identifier in small letters; any other one is named in a key of its own. */
const HUB_LICENCES =
  /^(apache-2\.0|mit|isc|bsd-[23]-clause|bsd-3-clause-clear|bsl-1\.0|mpl-2\.0|(a|l)?gpl-3\.0|gpl-2\.0|lgpl-2\.1|cc0-1\.0|cc-by(-nc)?(-sa|-nd)?-[234]\.0|unlicense|zlib|wtfpl|epl-[12]\.0|eupl-1\.[12]|ofl-1\.1|artistic-2\.0|ecl-2\.0|afl-3\.0|osl-3\.0|postgresql|ncsa|ms-pl)$/;

function licenceKeys(licence: string | undefined): Head {
  if (licence === undefined) return {};
  const id = licence.toLowerCase().replace(/-(only|or-later)$/, "");
  return HUB_LICENCES.test(id) ? { license: id } : { license: "other", license_name: licence };
}

/** One result for each data set; a metric that is no number has no place in it. */
function resultsOf(metrics: readonly Metric[], task: string): readonly Json[] {
  const sets = new Map<string, { readonly dataset: Metric["dataset"]; readonly metrics: Json[] }>();
  for (const metric of metrics) {
    if (typeof metric.value !== "number") continue;
    const key = JSON.stringify([metric.dataset?.role, metric.dataset?.digest]);
    const set = sets.get(key) ?? { dataset: metric.dataset, metrics: [] };
    set.metrics.push({
      type: metric.name,
      name: formatMetricName(metric),
      value: metric.value,
      ...(metric.n === undefined ? {} : { args: { n: metric.n } }),
    });
    sets.set(key, set);
  }
  return [...sets.values()].map(({ dataset, metrics }) => ({
    task: { type: task },
    dataset: {
      name: dataset?.role ?? "unknown",
      type: dataset?.role ?? "unknown",
      ...(dataset === undefined ? {} : { revision: dataset.digest }),
    },
    metrics,
  }));
}

function sections(facts: CardFacts, level: string): readonly string[] {
  const { metrics = [], data = [], signature } = facts;
  const tables: readonly (readonly [string, Block | undefined])[] = [
    ["Evaluation", metrics.length === 0 ? undefined : metricTable(metrics)],
    ["Data", data.length === 0 ? undefined : dataTable(data)],
    ["Inputs and outputs", signature && tensorTable(signature)],
    ["Origin", { kind: "list", items: originItems(facts) }],
  ];
  return [
    blockText({ kind: "paragraph", text: summary(facts) }),
    ...tables.flatMap(([title, block]) => (block === undefined ? [] : [`${level} ${title}`, blockText(block)])),
  ];
}

function blockText(block: Block): string {
  return markdownSection({ priority: 1, blocks: [block] });
}

function summary({ digest, files, format }: CardFacts): Text {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const kind = format === undefined ? "" : `${`${format.name} ${format.version ?? ""}`.trim()}, `;
  return text`${kind}${formatCount(files.length, "file")}, ${formatSize(bytes)}, ${code(digest)}`;
}

function metricTable(metrics: readonly Metric[]): Block {
  const columns = [
    { title: "metric" },
    { title: "value", align: "right" },
    { title: "n", align: "right" },
    { title: "data" },
  ] as const;
  const rows = metrics.map((metric) => [
    code(formatMetricName(metric)),
    String(metric.value),
    metric.n === undefined ? "" : String(metric.n),
    metric.dataset === undefined ? "" : text`${metric.dataset.role} ${code(shortDigest(metric.dataset.digest))}`,
  ]);
  return { kind: "table", columns, rows };
}

function dataTable(data: NonNullable<CardFacts["data"]>): Block {
  const columns = [{ title: "data" }, { title: "rows", align: "right" }, { title: "digest or version" }] as const;
  const rows = data.map(({ role, rows, digest, version }) => [
    role,
    rows === undefined ? "" : String(rows),
    code(digest ?? version ?? ""),
  ]);
  return { kind: "table", columns, rows };
}

function tensorTable({ inputs, outputs }: NonNullable<CardFacts["signature"]>): Block {
  const row = (side: string) => (tensor: (typeof inputs)[number]) => [
    side,
    code(tensor.name),
    tensor.type,
    tensor.shape === undefined ? "" : code(`[${tensor.shape.join(", ")}]`),
  ];
  const columns = [{ title: "" }, { title: "name" }, { title: "type" }, { title: "shape" }];
  return { kind: "table", columns, rows: [...inputs.map(row("in")), ...outputs.map(row("out"))] };
}

function originItems(facts: CardFacts): readonly Text[] {
  const { code: source, pipeline, run, framework, gate, licence } = facts;
  return [
    source &&
      text`code: ${source.repository} ${code(source.commit)}${source.tag === undefined ? "" : ` ${source.tag}`}`,
    pipeline && text`pipeline: ${pipeline.name} ${pipeline.version} ${code(pipeline.packageDigest)}`,
    run && text`run: ${code(run.id)}`,
    framework && text`framework: ${`${framework.name} ${framework.version ?? ""}`.trim()}`,
    gate && gateText(gate),
    text`licence: ${licence ?? "none is known"}`,
  ].filter((item) => item !== undefined);
}

function gateText({ verdict, override }: NonNullable<CardFacts["gate"]>): Text {
  if (override === undefined) return text`gate: ${code(verdict)}`;
  return text`gate: ${code(verdict)}, overridden by ${override.by}: ${override.reason}`;
}
