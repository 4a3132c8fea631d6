import { differenceSections } from "../domain/difference-sections.ts";
import type { VersionRecord } from "../domain/model-version.ts";
import { formatCount } from "../domain/quantity.ts";
import { type Report, text } from "../domain/report.ts";
import { compareVersions, type Differences } from "../domain/version-differences.ts";
import { namedVersion } from "../lib/registry-queries/named-version.ts";
import type { Context, Told } from "./command.ts";

export type DiffWish = { readonly model: string; readonly a: string; readonly b: string };

export async function diff({ model, a, b }: DiffWish, { store }: Context): Promise<Told> {
  const before = await namedVersion(store, { name: model, word: a, input: "A" });
  const version = await namedVersion(store, { name: model, word: b, input: "B" });
  const differences = compareVersions(version, before);
  const json = {
    model,
    a: { word: a, version: before.version, digest: before.digest },
    b: { word: b, version: version.version, digest: version.digest },
    differences,
  };
  return { report: diffReport(version, before, differences), json, succeeded: true };
}

function diffReport(version: VersionRecord, before: VersionRecord, differences: Differences): Report {
  const counted = counts(differences);
  const pair = text`${version.model} ${version.version}`;
  return {
    tone: "neutral",
    headline:
      counted.length === 0
        ? text`${pair} differs from ${before.version} in nothing that their records tell`
        : text`${pair} differs from ${before.version} in ${counted.join(", ")}`,
    lead: [],
    sections: counted.length === 0 ? [] : differenceSections({ version, before, called: before.version }),
    findings: [],
  };
}

function counts({ metrics, data, parameters, images, facts, breaks, files }: Differences): readonly string[] {
  const isOther = ({ value, before }: Differences["metrics"][number]) => value !== before;
  const rows: readonly (readonly [number, string, string?])[] = [
    [metrics.filter(isOther).length, "metric"],
    [data.length, "data set"],
    [parameters.length, "parameter"],
    [images.length, "image"],
    [facts.length, "other fact"],
    [breaks.length, "thing that callers notice", "things that callers notice"],
    [files.length, "file"],
  ];
  return rows.flatMap(([count, one, many]) => (count === 0 ? [] : [formatCount(count, one, many)]));
}
