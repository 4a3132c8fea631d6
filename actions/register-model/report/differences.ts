import { shortDigest } from "../../shared/domain/digest.ts";
import type { VersionRecord } from "../../shared/domain/model-version.ts";
import { formatSize } from "../../shared/domain/quantity.ts";
import { type Block, code, type Section, type Text, text } from "../../shared/domain/report.ts";
import { compareVersions, type FileDifference, type ValueChange } from "../../shared/domain/version-differences.ts";

/** What is other than in the champion: metrics first, then data, parameters, images and files. */
export function differenceSections(record: VersionRecord, champion: VersionRecord | undefined): readonly Section[] {
  if (champion === undefined) return [];
  const { metrics, data, parameters, images, files } = compareVersions(record, champion);
  const columns = [
    { title: "metric" },
    { title: record.version, align: "right" },
    { title: `champion ${champion.version}`, align: "right" },
    { title: "change", align: "right" },
  ] as const;
  const rows = metrics.map(({ name, value, champion: other, change, sameData }) => [
    code(name),
    number(value),
    number(other),
    change === undefined
      ? other === undefined || value === undefined || sameData
        ? ""
        : "other data"
      : signed(change),
  ]);
  const others: readonly Block[] = [
    ...changeTable("data", data),
    ...changeTable("parameter", parameters),
    ...changeTable("image", images),
    ...(files.length === 0 ? [] : [{ kind: "list", items: files.map(fileText) } as const]),
  ];
  return [
    ...(rows.length === 0
      ? []
      : [
          {
            title: `Against champion ${champion.version}`,
            priority: 2,
            blocks: [{ kind: "table", columns, rows }],
          } as const,
        ]),
    ...(others.length === 0 ? [] : [{ title: "What else changed", priority: 3, blocks: others }]),
  ];
}

function changeTable(what: string, changes: readonly ValueChange[]): readonly Block[] {
  if (changes.length === 0) return [];
  const columns = [{ title: what }, { title: "now" }, { title: "champion" }];
  const rows = changes.map(({ name, value, champion }) => [code(name), code(brief(value)), code(brief(champion))]);
  return [{ kind: "table", columns, rows }];
}

function fileText(difference: FileDifference): Text {
  const path = code(difference.path);
  switch (difference.state) {
    case "added":
      return text`${path} is new, ${formatSize(difference.size)}`;
    case "removed":
      return text`${path} is gone, it had ${formatSize(difference.size)}`;
    case "changed":
      return text`${path} changed, ${formatSize(difference.before)} to ${formatSize(difference.size)}`;
  }
}

function number(value: number | string | undefined): string {
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : (value ?? "");
}

function signed(change: number): string {
  if (change === 0) return "0";
  return `${change > 0 ? "+" : "−"}${Number(Math.abs(change).toPrecision(3))}`;
}

function brief(value: string | undefined): string {
  if (value === undefined) return "none";
  const shown = value.startsWith("sha256:") ? shortDigest(value) : value;
  return shown.length > 60 ? `${shown.slice(0, 60)}…` : shown;
}
