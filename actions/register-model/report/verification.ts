import { shortDigest } from "../../shared/domain/digest.ts";
import { formatProblem } from "../../shared/domain/problem.ts";
import { formatCount, formatSize } from "../../shared/domain/quantity.ts";
import { code, type Finding, type Report, type Section, type Text, text } from "../../shared/domain/report.ts";
import { signerText } from "../../shared/domain/signing/signer.ts";
import type { FileFault, Outcome, SignatureCheck } from "../outcome.ts";

type Verification = Extract<Outcome, { state: "verified" | "damaged" }>;

/** What reading every byte of a version again came to. */
export function verificationReport(outcome: Verification): Report {
  const { record, faults, bytes, signature } = outcome;
  const subject = text`${record.model} ${record.version}`;
  if (outcome.state === "verified") {
    const headline = text`${subject} is as it was registered: ${code(shortDigest(record.digest))}, ${formatCount(record.files.length, "file")}, ${formatSize(bytes)}`;
    return {
      tone: "good",
      headline,
      lead: [text`Every byte at ${code(outcome.uri)} was read again.`, ...signatureLead(signature)],
      sections: [],
      findings: [],
    };
  }
  return {
    tone: "bad",
    headline: damageHeadline(outcome, subject),
    lead: [
      text`Do not serve what lies at ${code(outcome.uri)}. Next: ${faults.length === 0 ? "find out who signed or changed it" : "put the files of the run back"}, or release a new version.`,
      ...signatureLead(signature),
    ],
    sections: [...listSection("Faults", faults.map(faultText)), ...listSection("Signature", problemTexts(signature))],
    findings: [
      ...(faults.length === 0
        ? []
        : [error(`${record.model} ${record.version}: ${formatCount(faults.length, "file")} not as registered`)]),
      ...(signature.state === "bad" ? [error(`${record.model} ${record.version}: the signature does not hold`)] : []),
    ],
  };
}

function damageHeadline({ record, faults }: Verification, subject: Text): Text {
  if (faults.length === 0) return text`The signature of ${subject} does not hold`;
  return text`${subject} is damaged: ${formatCount(faults.length, "file")} of ${record.files.length} ${faults.length === 1 ? "is" : "are"} not as registered`;
}

function signatureLead(signature: SignatureCheck): readonly Text[] {
  switch (signature.state) {
    case "none":
      return ["It was registered without a signature."];
    case "unchecked":
      return [
        signature.signer.by === "key"
          ? text`Its signature was not checked: give the public half of key ${code(shortDigest(signature.signer.publicKey))} as ${code("verification-key")}.`
          : text`Its signature was not checked: say who may have signed it, in ${code("verification-identity")}. It says: ${code(signature.signer.identity)}.`,
      ];
    case "sound":
      return [text`It is signed ${signerText(signature.signer)}.`];
    case "bad":
      return [];
  }
}

function problemTexts(signature: SignatureCheck): readonly Text[] {
  return signature.state === "bad" ? signature.problems.map(formatProblem) : [];
}

function listSection(title: string, items: readonly Text[]): readonly Section[] {
  if (items.length === 0) return [];
  return [{ title, priority: 1, blocks: [{ kind: "list", items: items.slice(0, 100) }] }];
}

function error(message: string): Finding {
  return { level: "error", message };
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
