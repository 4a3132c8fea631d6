import { shortDigest } from "../shared/domain/digest.ts";
import { formatDuration, formatSize } from "../shared/domain/quantity.ts";
import {
  type Block,
  type Conclusion,
  code,
  type Report,
  type Section,
  type Text,
  text,
} from "../shared/domain/report.ts";
import { compareVersions, type FileDifference, type ValueChange } from "../shared/domain/version-differences.ts";
import type { AliasResult, FileFault, Kept, Outcome } from "./outcome.ts";

export function report(outcome: Outcome): Conclusion {
  const conclusion = conclude(outcome);
  if (!outcome.rehearsal) return conclusion;
  const lead = ["Rehearsal: the store's folder is gone with this job.", ...conclusion.report.lead];
  return { ...conclusion, report: { ...conclusion.report, lead } };
}

function conclude(outcome: Outcome): Conclusion {
  switch (outcome.state) {
    case "registered":
    case "existed":
      return {
        report: reportOf(outcome),
        outputs: outputsOf(outcome),
        parts: { model: modelOf(outcome) },
        succeeded: true,
      };
    case "planned":
      return { report: reportOf(outcome), outputs: outputsOf(outcome), succeeded: true };
    case "planned-early": {
      const { name, version, store, why } = outcome;
      const headline = text`${name} ${version} would be registered in ${code(store)} once there is a model: ${why}`;
      return { report: plain("neutral", headline), outputs: {}, succeeded: true };
    }
    case "stopped":
      return { report: stoppedReport(outcome), outputs: {}, succeeded: false };
    case "verified":
    case "damaged":
      return {
        report: verifiedReport(outcome),
        outputs: versionOutputs(outcome),
        succeeded: outcome.state === "verified",
      };
    case "aliased":
      return { report: aliasedReport(outcome), outputs: aliasOutputs(outcome), succeeded: true };
  }
}

function reportOf(outcome: Kept): Report {
  const { record, bytes, champion, findings } = outcome;
  const { folder, name, version } = { folder: outcome.uri, name: record.model, version: record.version };
  return {
    tone: outcome.standing === "failed" ? "warn" : outcome.state === "planned" ? "neutral" : "good",
    headline: text`${name} ${version} ${deedOf(outcome)}: ${code(shortDigest(record.digest))}, ${count(record.files.length, "file")}, ${formatSize(bytes)}`,
    lead: [
      ...standingLead(outcome),
      text`It ${outcome.state === "planned" ? "would lie" : "lies"} at ${code(folder)}.${champion === undefined ? " There is no champion to compare it with." : ""}`,
      nextStep(outcome),
    ],
    sections: [
      ...aliasSection(outcome.aliases),
      ...differenceSections(outcome),
      originSection(outcome),
      filesSection(outcome),
    ],
    findings,
  };
}

function deedOf(outcome: Kept): string {
  switch (outcome.state) {
    case "registered":
      return `registered in ${formatDuration(outcome.seconds * 1000)}`;
    case "existed":
      return "was registered before with the same digest";
    case "planned":
      return outcome.exists ? "is registered already with the same digest" : "would be registered";
  }
}

function standingLead({ standing, record, state }: Kept): readonly Text[] {
  switch (standing) {
    case "failed":
      return [
        text`Its gate says ${code(record.gate?.verdict ?? "fail")}: it ${state === "planned" ? "would be" : "is"} kept with its verdict, and gets no alias.`,
      ];
    case "unjudged":
      return ["No verdict of a gate is bound to these files: deploy-model evaluates the gates itself."];
    case "passed":
      return record.gate?.override === undefined
        ? []
        : [
            text`Its gate says ${code(record.gate.verdict)}, overridden by ${record.gate.override.by}: ${record.gate.override.reason}`,
          ];
  }
}

function nextStep({ standing, record, state }: Kept): Text {
  if (standing === "failed")
    return "Next: read the verdict in the summary of report-metrics, then release a version that passes.";
  if (state === "planned") return "Nothing was written.";
  return text`Next: deploy-model with ${code(`model: ${record.model}@${record.version}`)}.`;
}

function aliasSection(aliases: readonly AliasResult[]): readonly Section[] {
  if (aliases.length === 0) return [];
  return [{ title: "Aliases", priority: 2, blocks: [{ kind: "list", items: aliases.map(aliasText) }] }];
}

function aliasText(result: AliasResult): Text {
  const name = code(result.alias);
  switch (result.state) {
    case "moved":
      return result.from === undefined ? text`${name} set` : text`${name} moved from ${result.from}`;
    case "would-move":
      return result.from === undefined ? text`${name} would be set` : text`${name} would move from ${result.from}`;
    case "unchanged":
      return text`${name} was there already`;
    case "left":
      return text`${name} stays at ${result.at}: it was moved on after this version had it`;
    case "withheld":
      return text`${name} withheld: the gate did not pass`;
  }
}

function differenceSections({ record, champion }: Kept): readonly Section[] {
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

/** Where the version comes from, in the words of its record. */
function originSection({ record }: Kept): Section {
  const { code: source, run, pipeline, framework, format, environment, licence, data = [] } = record;
  const rows: readonly (readonly [string, Text | undefined])[] = [
    ["code", source && text`${source.repository} ${code(source.commit.slice(0, 12))} ${source.tag ?? source.ref}`],
    ["run", run && text`${code(run.id)} attempt ${run.attempt}`],
    ["pipeline", pipeline && text`${pipeline.name} ${pipeline.version} ${code(shortDigest(pipeline.packageDigest))}`],
    ...data.map((set) => [`data ${set.role}`, dataText(set)] as const),
    ["framework", framework && `${framework.name} ${framework.version ?? ""}`.trim()],
    ["format", format && `${format.name} ${format.version ?? ""}`.trim()],
    ["trained on", environment && environmentText(environment)],
    ["licence", licence],
    ["author", record.author],
    ["verdict", record.gate && code(record.gate.verdict)],
  ];
  const known = rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  const columns = [{ title: "origin" }, { title: "" }];
  return { title: "Origin", priority: 4, folded: true, blocks: [{ kind: "table", columns, rows: known }] };
}

function dataText({ digest, version, rows }: NonNullable<Kept["record"]["data"]>[number]): Text {
  const name = digest === undefined ? (version ?? "no digest") : shortDigest(digest);
  return text`${code(name)}${rows === undefined ? "" : `, ${rows} rows`}`;
}

function environmentText({
  cpu,
  gpus = [],
  memoryBytes,
  os,
  python,
}: NonNullable<Kept["record"]["environment"]>): string {
  const parts = [
    ...gpus.map((gpu) => `${gpu.count} x ${gpu.name}`),
    cpu && `${cpu.count} x ${cpu.name ?? "CPU"}`,
    memoryBytes === undefined ? undefined : formatSize(memoryBytes),
    os,
    python && `Python ${python}`,
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}

function filesSection({ record }: Kept): Section {
  const columns = [{ title: "file" }, { title: "size", align: "right" }, { title: "SHA-256" }] as const;
  const shown = record.files.slice(0, 100);
  const rows = shown.map(({ path, size, digest }) => [code(path), formatSize(size), code(digest)]);
  const more = record.files.length - shown.length;
  const rest: readonly Block[] = more > 0 ? [{ kind: "paragraph", text: `and ${more} more` }] : [];
  return { title: "Files", priority: 5, folded: true, blocks: [{ kind: "table", columns, rows }, ...rest] };
}

function stoppedReport({ name, version, verdict, failedRules }: Extract<Outcome, { state: "stopped" }>): Report {
  const first = failedRules[0];
  const headline = text`${name} ${version} was not registered: its gate says ${code(verdict)}${first === undefined ? "" : text`, ${code(first)}`}`;
  const lead = [
    text`${code("on-failed-gate: stop")} was asked for. Next: read the verdict in the summary of report-metrics.`,
  ];
  return { ...plain("bad", headline), lead };
}

function verifiedReport(outcome: Extract<Outcome, { state: "verified" | "damaged" }>): Report {
  const { record, faults, bytes } = outcome;
  const subject = text`${record.model} ${record.version}`;
  if (outcome.state === "verified") {
    const headline = text`${subject} is as it was registered: ${code(shortDigest(record.digest))}, ${count(record.files.length, "file")}, ${formatSize(bytes)}`;
    return { ...plain("good", headline), lead: [text`Every byte at ${code(outcome.uri)} was read again.`] };
  }
  const headline = text`${subject} is damaged: ${count(faults.length, "file")} of ${record.files.length} ${faults.length === 1 ? "is" : "are"} not as registered`;
  return {
    ...plain("bad", headline),
    lead: [
      text`Do not serve what lies at ${code(outcome.uri)}. Next: put the files of the run back, or release a new version.`,
    ],
    sections: [
      { title: "Faults", priority: 1, blocks: [{ kind: "list", items: faults.slice(0, 100).map(faultText) }] },
    ],
    findings: [
      { level: "error", message: `${record.model} ${record.version}: ${faults.length} files are not as registered` },
    ],
  };
}

function faultText(fault: FileFault): Text {
  const path = code(fault.path);
  switch (fault.state) {
    case "missing":
      return text`${path} is missing, ${code(shortDigest(fault.allowed))} was registered`;
    case "extra":
      return text`${path} is extra, ${formatSize(fault.size)}: the record does not name it`;
    case "differs":
      return text`${path} differs: ${code(shortDigest(fault.saw))}, ${code(shortDigest(fault.allowed))} was registered`;
  }
}

function aliasedReport({ name, version, aliases, uri }: Extract<Outcome, { state: "aliased" }>): Report {
  const moved = aliases.filter(({ state }) => state === "moved").map(({ alias }) => alias);
  const headline =
    moved.length === 0
      ? text`${name} ${version} had ${count(aliases.length, "alias", "aliases")} already: nothing moved`
      : text`${moved.join(", ")} of ${name} now ${moved.length === 1 ? "is" : "are"} ${version}`;
  return { ...plain("good", headline), lead: [text`It lies at ${code(uri)}.`], sections: aliasSection(aliases) };
}

function plain(tone: Report["tone"], headline: Text): Report {
  return { tone, headline, lead: [], sections: [], findings: [] };
}

function outputsOf(outcome: Kept): Conclusion["outputs"] {
  const existed = outcome.state === "existed" || (outcome.state === "planned" && outcome.exists);
  return { ...versionOutputs(outcome), existed: String(existed) };
}

function versionOutputs({ record, uri }: Pick<Kept, "record" | "uri">): Conclusion["outputs"] {
  return { model: `${record.model}@${record.version}`, version: record.version, digest: record.digest, uri };
}

function aliasOutputs({ name, version, digest, uri }: Extract<Outcome, { state: "aliased" }>): Conclusion["outputs"] {
  return { model: `${name}@${version}`, version, digest, uri };
}

function modelOf({ record, uri, store }: Kept) {
  return { name: record.model, version: record.version, digest: record.digest, uri, store };
}

function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount} ${amount === 1 ? one : many}`;
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
