import { shortDigest } from "../../shared/domain/digest.ts";
import { formatMachine } from "../../shared/domain/machine.ts";
import type { VersionRecord } from "../../shared/domain/model-version.ts";
import { formatSize } from "../../shared/domain/quantity.ts";
import { code, type Section, type Text, text } from "../../shared/domain/report.ts";
import { signerOf, signerText } from "../../shared/domain/signing/signer.ts";

const SHOWN_IMPORTS = 10;

/** Where the version comes from, in the words of its record. */
export function originSection(record: VersionRecord): Section {
  const { code: source, run, mlflow, pipeline, framework, format, scan, environment, licence, data = [] } = record;
  const rows: readonly (readonly [string, Text | undefined])[] = [
    ["code", source && text`${source.repository} ${code(source.commit.slice(0, 12))} ${source.tag ?? source.ref}`],
    ["run", run && text`${code(run.id)} attempt ${run.attempt}`],
    [
      "MLflow",
      mlflow &&
        text`${code(mlflow.address)} of ${mlflow.server}${mlflow.run === undefined ? "" : `, run ${mlflow.run}`}`,
    ],
    ["pipeline", pipeline && text`${pipeline.name} ${pipeline.version} ${code(shortDigest(pipeline.packageDigest))}`],
    ...data.map((set) => [`data ${set.role}`, dataText(set)] as const),
    ["framework", framework && `${framework.name} ${framework.version ?? ""}`.trim()],
    ["format", format && `${format.name} ${format.version ?? ""}`.trim()],
    ["scan", scan && scanText(scan)],
    ["trained on", environment && formatMachine(environment)],
    ["licence", licence],
    ["author", record.author],
    ["signed", record.signatures?.[0] && signerText(signerOf(record.signatures[0]))],
    ["package", record.package && text`${code(record.package.key)}, ${formatSize(record.package.size)}`],
    ["verdict", record.gate && code(record.gate.verdict)],
  ];
  const known = rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  const columns = [{ title: "origin" }, { title: "" }];
  return { title: "Origin", priority: 4, folded: true, blocks: [{ kind: "table", columns, rows: known }] };
}

function scanText({ verdict, imports }: NonNullable<VersionRecord["scan"]>): Text {
  if (imports.length === 0) return verdict;
  const more = imports.length > SHOWN_IMPORTS ? ` and ${imports.length - SHOWN_IMPORTS} more` : "";
  return text`${verdict}: imports ${code(imports.slice(0, SHOWN_IMPORTS).join(", "))}${more}`;
}

function dataText({ digest, version, rows }: NonNullable<VersionRecord["data"]>[number]): Text {
  const name = digest === undefined ? (version ?? "no digest") : shortDigest(digest);
  return text`${code(name)}${rows === undefined ? "" : `, ${rows} rows`}`;
}
