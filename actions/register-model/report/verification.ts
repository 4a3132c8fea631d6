import { shortDigest } from "../../shared/domain/digest.ts";
import { formatCount, formatSize } from "../../shared/domain/quantity.ts";
import { code, type Report, type Text, text } from "../../shared/domain/report.ts";
import type { FileFault, Outcome } from "../outcome.ts";

type Verification = Extract<Outcome, { state: "verified" | "damaged" }>;

/** What reading every byte of a version again came to. */
export function verificationReport(outcome: Verification): Report {
  const { record, faults, bytes } = outcome;
  const subject = text`${record.model} ${record.version}`;
  if (outcome.state === "verified") {
    const headline = text`${subject} is as it was registered: ${code(shortDigest(record.digest))}, ${formatCount(record.files.length, "file")}, ${formatSize(bytes)}`;
    return {
      tone: "good",
      headline,
      lead: [text`Every byte at ${code(outcome.uri)} was read again.`],
      sections: [],
      findings: [],
    };
  }
  const headline = text`${subject} is damaged: ${formatCount(faults.length, "file")} of ${record.files.length} ${faults.length === 1 ? "is" : "are"} not as registered`;
  return {
    tone: "bad",
    headline,
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
