import { formatDuration, formatPercent, formatSize } from "../domain/quantity.ts";
import type { InputDeclaration, Kind, Manifest } from "../runner/inputs.ts";

export type TableName = "inputs" | "outputs";

/** The README with its tables replaced: what stands between `<!-- inputs -->` and `<!-- /inputs -->`. Undefined where a pair of marks is missing. */
export function withTables(readme: string, manifest: Manifest): string | undefined {
  const tables: Readonly<Record<TableName, string>> = { inputs: inputTable(manifest), outputs: outputTable(manifest) };
  return (["inputs", "outputs"] as const).reduce<string | undefined>(
    (text, name) => text && withTable(text, name, tables[name]),
    readme,
  );
}

function withTable(text: string, name: TableName, table: string): string | undefined {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [start, end] = [text.indexOf(open), text.indexOf(close)];
  if (start < 0 || end < start) return undefined;
  return `${text.slice(0, start + open.length)}\n${table}\n${text.slice(end)}`;
}

function inputTable({ inputs }: Manifest): string {
  const rows = Object.entries(inputs).map(([name, input]) => [
    `\`${name}\`${input.required ? " *" : ""}`,
    [input.description, ...detailsOf(input)].join(" "),
    input.default === undefined || input.default === "" ? "" : `\`${input.default}\``,
  ]);
  return table(["input (* required)", "what", "default"], rows);
}

function outputTable({ outputs }: Manifest): string {
  return table(
    ["output", "what"],
    Object.entries(outputs).map(([name, { description }]) => [`\`${name}\``, description]),
  );
}

function detailsOf(input: InputDeclaration): readonly string[] {
  return [
    sentence(allowedOf(input)),
    input.secret ? "Secret." : "",
    input.modes === undefined ? "" : `Only in mode ${input.modes.map((mode) => `\`${mode}\``).join(", ")}.`,
    input.env === undefined ? "" : `Where empty: \`${input.env}\`.`,
  ].filter((part) => part !== "");
}

function sentence(text: string): string {
  return text === "" ? "" : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** What the description need not say, since the declaration does. */
function allowedOf(kind: Kind & { readonly description: string }): string {
  switch (kind.kind) {
    case "boolean":
      return "`true` or `false`";
    case "integer":
    case "number":
      return range({ min: kind.min, max: kind.max, format: String });
    case "duration":
      return range({ min: kind.minMs, max: kind.maxMs, format: formatDuration });
    case "size":
      return range({ min: kind.minBytes, max: kind.maxBytes, format: formatSize });
    case "fraction":
      return range({ min: kind.min, max: kind.max, format: formatPercent });
    case "enum":
      // Modes are listed by their description already.
      return kind.values.every((value) => kind.description.includes(`\`${value}\``))
        ? ""
        : kind.values.map((value) => `\`${value}\``).join(", ");
    case "list":
      return "lines, or separated by commas";
    case "map":
      return "lines of `key: value`";
    case "yaml":
      return "YAML";
    case "workspace-path":
      return "a path inside of the workspace";
    case "path":
    case "place":
    case "string":
      return "";
  }
}

type Range = {
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly format: (value: number) => string;
};

function range({ min, max, format }: Range): string {
  const parts = [min === undefined ? "" : `at least ${format(min)}`, max === undefined ? "" : `at most ${format(max)}`];
  return parts.filter((part) => part !== "").join(", ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}
