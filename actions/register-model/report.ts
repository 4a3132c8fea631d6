import { shortDigest } from "../shared/domain/digest.ts";
import { failsByCatalog, withPublications } from "../shared/domain/publication.ts";
import { formatCount, formatDuration, formatSize } from "../shared/domain/quantity.ts";
import { type Conclusion, code, type Report, type Text, text, withLead } from "../shared/domain/report.ts";
import { signerText } from "../shared/domain/signing/signer.ts";
import { rootDigestBytes } from "../shared/domain/signing-manifest.ts";
import type { Kept, Outcome } from "./outcome.ts";
import { aliasSection } from "./report/aliases.ts";
import { decisionReport } from "./report/decision.ts";
import { differenceSections } from "./report/differences.ts";
import { filesSection } from "./report/files.ts";
import { originSection } from "./report/origin.ts";
import { verificationReport } from "./report/verification.ts";

export function report(outcome: Outcome): Conclusion {
  const conclusion = withCatalogs(conclude(outcome), outcome);
  if (!outcome.rehearsal) return conclusion;
  return withLead(conclusion, "Rehearsal: the store's folder is gone with this job.");
}

/** What other catalogs were told, where there was anything to tell. */
function withCatalogs(conclusion: Conclusion, outcome: Outcome): Conclusion {
  return "publications" in outcome ? withPublications(conclusion, outcome) : conclusion;
}

function conclude(outcome: Outcome): Conclusion {
  switch (outcome.state) {
    case "registered":
    case "existed":
      return {
        report: reportOf(outcome),
        outputs: outputsOf(outcome),
        parts: { model: modelOf(outcome) },
        subjects: [subjectOf(outcome)],
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
        report: verificationReport(outcome),
        outputs: versionOutputs(outcome),
        succeeded: outcome.state === "verified",
      };
    case "aliased":
      return { report: aliasedReport(outcome), outputs: aliasOutputs(outcome), succeeded: true };
    case "decided":
      return { report: decisionReport(outcome), outputs: aliasOutputs(outcome), succeeded: true };
  }
}

function reportOf(outcome: Kept): Report {
  const { record, bytes, champion, findings } = outcome;
  const { folder, name, version } = { folder: outcome.uri, name: record.model, version: record.version };
  return {
    tone: outcome.standing === "failed" ? "warn" : outcome.state === "planned" ? "neutral" : "good",
    headline: text`${name} ${version} ${deedOf(outcome)}: ${code(shortDigest(record.digest))}, ${formatCount(record.files.length, "file")}, ${formatSize(bytes)}`,
    lead: [
      ...standingLead(outcome),
      text`It ${outcome.state === "planned" ? "would lie" : "lies"} at ${code(folder)}.${champion === undefined ? " There is no champion to compare it with." : ""}`,
      ...signingLead(outcome),
      ...archiveLead(outcome),
      ...(failsByCatalog(outcome) ? [] : [nextStep(outcome)]),
    ],
    sections: [
      ...aliasSection(outcome.aliases),
      ...differenceSections(record, champion),
      originSection(record),
      filesSection(record.files),
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

function signingLead({ state, signer, signature }: Kept): readonly Text[] {
  if (signer === undefined) return [];
  return [
    signature === undefined && state === "planned"
      ? text`It would be signed ${signerText(signer)}.`
      : text`It is signed ${signerText(signer)}: ${code(signature ?? "")}.`,
  ];
}

function archiveLead({ archive }: Kept): readonly Text[] {
  if (archive === undefined) return [];
  const { uri, size } = archive;
  return [
    uri === undefined
      ? text`It would be packed as one archive, ${formatSize(size)}.`
      : text`It is packed as one archive, ${formatSize(size)}: ${code(uri)}.`,
  ];
}

function nextStep({ standing, record, state, aliases }: Kept): Text {
  if (standing === "failed")
    return "Next: read the verdict in the summary of report-metrics, then release a version that passes.";
  if (aliases.some((alias) => alias.state === "withheld" && alias.why === "retired"))
    return text`Next: release another version, or take this one back into use with ${code("mode: restore")}.`;
  if (state === "planned") return "Nothing was written.";
  return text`Next: deploy-model with ${code(`model: ${record.model}@${record.version}`)}.`;
}

function stoppedReport({ name, version, verdict, failedRules }: Extract<Outcome, { state: "stopped" }>): Report {
  const first = failedRules[0];
  const headline = text`${name} ${version} was not registered: its gate says ${code(verdict)}${first === undefined ? "" : text`, ${code(first)}`}`;
  const lead = [
    text`${code("on-failed-gate: stop")} was asked for. Next: read the verdict in the summary of report-metrics.`,
  ];
  return { ...plain("bad", headline), lead };
}

function aliasedReport({ name, version, aliases, uri }: Extract<Outcome, { state: "aliased" }>): Report {
  const moved = aliases.filter(({ state }) => state === "moved").map(({ alias }) => alias);
  const headline =
    moved.length === 0
      ? text`${name} ${version} had ${formatCount(aliases.length, "alias", "aliases")} already: nothing moved`
      : text`${moved.join(", ")} of ${name} now ${moved.length === 1 ? "is" : "are"} ${version}`;
  return { ...plain("good", headline), lead: [text`It lies at ${code(uri)}.`], sections: aliasSection(aliases) };
}

function plain(tone: Report["tone"], headline: Text): Report {
  return { tone, headline, lead: [], sections: [], findings: [] };
}

function outputsOf(outcome: Kept): Conclusion["outputs"] {
  const existed = outcome.state === "existed" || (outcome.state === "planned" && outcome.exists);
  const { signature, archive } = outcome;
  return {
    ...versionOutputs(outcome),
    ...(signature === undefined ? {} : { signature }),
    ...(archive?.uri === undefined ? {} : { package: archive.uri }),
    existed: String(existed),
  };
}

function versionOutputs({ record, uri }: Pick<Kept, "record" | "uri">): Conclusion["outputs"] {
  return { model: `${record.model}@${record.version}`, version: record.version, digest: record.digest, uri };
}

type Pointed = Pick<Extract<Outcome, { state: "aliased" }>, "name" | "version" | "digest" | "uri">;

function aliasOutputs({ name, version, digest, uri }: Pointed): Conclusion["outputs"] {
  return { model: `${name}@${version}`, version, digest, uri };
}

/** The bytes whose hash is the model's digest: what is attested is the model, and not a file about it. */
function subjectOf({ record }: Kept) {
  return { name: `${record.model}-${record.version}`, bytes: rootDigestBytes(record.files) };
}

function modelOf({ record, uri, store }: Kept) {
  return { name: record.model, version: record.version, digest: record.digest, uri, store };
}
