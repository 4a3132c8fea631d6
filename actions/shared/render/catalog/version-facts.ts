import { hexOf } from "../../domain/digest.ts";
import { formatMachine } from "../../domain/machine.ts";
import type { ModelEvent, VersionRecord } from "../../domain/model-version.ts";
import { formatCount, formatSize } from "../../domain/quantity.ts";
import { codeHtml, foldedHtml, type Html, html, isWebAddress, join, linkHtml, nothing, tableHtml } from "./html.ts";
import { badge, wordsOf } from "./words.ts";

const MAX_FILES = 200;
const MAX_IMPORTS = 50;

type Fact = readonly [name: string, value: Html | undefined];

/** What the record says in a word or two each. */
export function factsHtml(record: VersionRecord, events: readonly ModelEvent[]): Html {
  const {
    code,
    licence,
    framework,
    scan,
    signatures = [],
    environment,
    package: archive,
    metadata = {},
    images = [],
  } = record;
  const facts: readonly Fact[] = [
    ["framework", framework && html`${wordsOf(framework)}`],
    ["licence", licence === undefined ? html`<span class="soft">none is known</span>` : html`${licence}`],
    ["code", code && html`${code.repository} ${codeHtml(code.commit)} ${code.tag ?? code.ref}`],
    ["scan", scan && scanHtml(scan)],
    ...signatures.map((signature): Fact => ["signed", signatureHtml(signature)]),
    ...(signatures.length === 0 ? [["signed", html`<span class="soft">no</span>`] as const] : []),
    ["trained on", environment && html`${formatMachine(environment)}`],
    ...(record.data ?? []).map(
      ({ role, uri, digest, version }): Fact => [
        `data ${role}`,
        html`${codeHtml(uri)} ${codeHtml(digest ?? version ?? "")}`,
      ],
    ),
    ...images.map(({ name, ref }): Fact => [`image ${name}`, codeHtml(ref)]),
    ["package", archive && html`${codeHtml(archive.key)}, ${formatSize(archive.size)}, ${codeHtml(archive.digest)}`],
    ["files at", codeHtml(record.folder)],
    ...shownIn(record, events),
    ...Object.entries(metadata).map(([name, value]): Fact => [name, valueHtml(value)]),
  ];
  const rows = facts.flatMap(([name, value]) =>
    value === undefined ? [] : [html`<dt>${name}</dt><dd>${value}</dd>\n`],
  );
  return html`<dl>${rows}</dl>`;
}

/** The catalogs of others that show the version, each once, and what it is called there. */
function shownIn({ version }: VersionRecord, events: readonly ModelEvent[]): readonly Fact[] {
  const published = events.flatMap(({ event, version: of, catalog }) =>
    event === "published" && of === version && catalog !== undefined ? [catalog] : [],
  );
  const newest = new Map(published.map((catalog) => [`${catalog.kind} ${catalog.address}`, catalog]));
  return [...newest.values()].map(({ kind, address, ids }) => {
    const names = Object.entries(ids).map(([name, id]) => codeHtml(`${name} ${id}`));
    const place = isWebAddress(address) ? linkHtml(address, address) : codeHtml(address);
    return ["shown in", html`${kind} ${place} ${join(names, " ")}`];
  });
}

function scanHtml({ verdict, imports }: NonNullable<VersionRecord["scan"]>): Html {
  if (imports.length === 0) return html`${verdict}`;
  const more = imports.length > MAX_IMPORTS ? ` and ${imports.length - MAX_IMPORTS} more` : "";
  return html`${verdict}, imports ${join(imports.slice(0, MAX_IMPORTS).map(codeHtml), " ")}${more}`;
}

function signatureHtml(signature: NonNullable<VersionRecord["signatures"]>[number]): Html {
  const file = html`<br><span class="soft">${codeHtml(signature.key)}</span>`;
  if ("publicKey" in signature) return html`with key ${codeHtml(signature.publicKey)}${file}`;
  return html`by ${signature.identity} <span class="soft">known to ${signature.issuer}</span>${file}`;
}

/** The rules that it was judged by. */
export function gateHtml({ gate }: VersionRecord): Html {
  if (gate === undefined || gate.rules.length === 0) return nothing;
  const columns = [
    { title: "rule" },
    { title: "" },
    { title: "value", align: "right" },
    { title: "asked", align: "right" },
    { title: "" },
  ] as const;
  const tones = { pass: "good", warn: "warn", fail: "bad", "no-data": "warn", skipped: "soft" } as const;
  const rows = gate.rules.map(({ rule, state, value = "", bound = "", reason = "" }) => [
    codeHtml(rule),
    badge(state, tones[state]),
    html`${shownValue(value)}`,
    html`${shownValue(bound)}`,
    html`${reason}`,
  ]);
  const champion =
    gate.champion === undefined ? nothing : html`<p>Judged against champion ${gate.champion.version}.</p>`;
  return html`<h2>Gate</h2>\n${champion}${tableHtml(columns, rows)}`;
}

function shownValue(value: number | string): string {
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : value;
}

export function tensorsHtml({ signature }: VersionRecord): Html {
  if (signature === undefined) return nothing;
  const columns = [{ title: "name" }, { title: "" }, { title: "type" }, { title: "shape" }];
  const rowsOf = (side: string, tensors: typeof signature.inputs) =>
    tensors.map(({ name, type, shape }) => [
      codeHtml(name),
      html`${side}`,
      html`${type}`,
      shape === undefined ? nothing : codeHtml(`[${shape.join(", ")}]`),
    ]);
  const rows = [...rowsOf("input", signature.inputs), ...rowsOf("output", signature.outputs)];
  return html`<h2>Inputs and outputs</h2>\n${tableHtml(columns, rows)}`;
}

export function parametersHtml({ parameters = {}, environment }: VersionRecord): Html {
  const table = (title: string, values: Readonly<Record<string, unknown>>) =>
    tableHtml(
      [{ title }, { title: "value" }],
      Object.entries(values).map(([name, value]) => [html`${name}`, valueHtml(value)]),
    );
  const packages = environment?.packages ?? {};
  const count = Object.keys(packages).length;
  return join([
    ...(Object.keys(parameters).length === 0 ? [] : [html`<h2>Parameters</h2>\n${table("parameter", parameters)}`]),
    ...(count === 0 ? [] : [foldedHtml(formatCount(count, "package"), table("package", packages))]),
  ]);
}

function valueHtml(value: unknown): Html {
  if (typeof value !== "string") return codeHtml(JSON.stringify(value));
  return /^https?:/.test(value) ? linkHtml(value, value) : html`${value}`;
}

export function filesHtml({ files }: VersionRecord): Html {
  const columns = [{ title: "file" }, { title: "size", align: "right" }, { title: "SHA-256" }] as const;
  const rows = files
    .slice(0, MAX_FILES)
    .map(({ path, size, digest }) => [
      html`${path}`,
      html`${formatSize(size)}`,
      html`<span title="${digest}">${codeHtml(hexOf(digest, 12))}</span>`,
    ]);
  const more = files.length > MAX_FILES ? html`<p>and ${files.length - MAX_FILES} more</p>` : nothing;
  return html`<h2>Files</h2>\n${tableHtml(columns, rows)}${more}`;
}
