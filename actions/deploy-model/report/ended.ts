import { shortDigest } from "../../shared/domain/digest.ts";
import { formatDuration, formatPercent } from "../../shared/domain/quantity.ts";
import type { Deployment } from "../../shared/domain/release.ts";
import { type Conclusion, code, type Report, type Section, type Text, text } from "../../shared/domain/report.ts";
import { formatBad, formatRate, formatReason, type Reason } from "../../shared/domain/rollout/reason.ts";
import { formatPlan } from "../../shared/domain/rollout/traffic-plan.ts";
import { differingSection } from "./differing.ts";
import { duelSection } from "./duel.ts";
import { aftermathLead, contextLead, nextLead, rehearsalLead } from "./ended-lead.ts";
import { evidenceSections } from "./looks.ts";
import { type EndedOutcome, urlOutput } from "./outcome-kinds.ts";
import { proofsOf } from "./proofs.ts";
import { seriesSection, warningLeads } from "./series.ts";

export function endedConclusion(outcome: EndedOutcome): Conclusion {
  const { decision, entry, evidence, url } = outcome;
  const exposure = decision === "promoted" ? 1 : 0;
  const reason = plainReason(outcome);
  const deployment: Deployment = {
    target: outcome.target,
    decision,
    exposure,
    rehearsal: outcome.rehearsal,
    reason,
    ...(url === undefined ? {} : { url }),
    evidenceDigest: evidence.digest,
    imageExecuted: outcome.imageExecuted,
  };
  return {
    report: endedReport(outcome),
    outputs: { decision, reason, exposure: String(exposure), evidence: evidence.path, ...urlOutput(url) },
    parts: { deployment },
    succeeded: decision === "promoted" || (decision === "held" && outcome.allowHold && entry.phase === "ended"),
  };
}

function endedReport(outcome: EndedOutcome): Report {
  const { decision } = outcome;
  return {
    tone: decision === "promoted" ? "good" : decision === "held" ? "waiting" : "undone",
    headline: endedHeadline(outcome),
    lead: [
      ...rehearsalLead(outcome),
      ...contextLead(outcome),
      ...warningLeads(outcome),
      ...aftermathLead(outcome),
      nextLead(outcome),
    ],
    sections: [
      ...seriesSection(outcome),
      ...duelSection(outcome),
      ...differingSection(outcome),
      ...evidenceSections(outcome.entry.looks, outcome),
      factsSection(outcome),
    ],
    findings: (outcome.oddMetrics ?? []).map((message) => ({ level: "warning", message })),
  };
}

function endedHeadline({ decision, entry, reasons, verdict }: EndedOutcome): Text {
  const { candidate } = entry;
  const took = formatDuration((entry.endedAtMs ?? entry.startedAtMs) - entry.startedAtMs);
  const name = `${candidate.name} ${candidate.version}`;
  if (decision === "promoted") {
    const how = (verdict?.series ?? []).length === 0 ? "" : `: ${proofsOf(entry.looks, entry.plan).join("; ")}`;
    return text`Promoted ${name} after ${took}${how}`;
  }
  const at = entry.looks.at(-1)?.share;
  const where = at === undefined ? " before it got any traffic" : ` after ${took} at ${formatPercent(at)}`;
  const why = reasons.map(shortReason).join("; ");
  return text`${decision === "held" ? "Held" : "Rolled back"} ${name}${where}: ${why}`;
}

/** The number that decided; the odds stand in the sentences below. */
function shortReason(reason: Reason): string {
  if (reason.why !== "alarm") return formatReason(reason);
  return `${formatBad(reason.series, reason.counts.candidate)}, ${formatRate(reason.counts.stable)} of the champion's`;
}

function factsSection({ entry, evidence, target, url, imageExecuted }: EndedOutcome): Section {
  const { candidate, stable, plan } = entry;
  const rows: readonly (readonly Text[])[] = [
    ["candidate", text`${candidate.name} ${candidate.version} ${code(shortDigest(candidate.digest))}`],
    ["stable", stable === undefined ? "none" : text`${stable.version} ${code(shortDigest(stable.digest))}`],
    ["target", url === undefined ? target : text`${target}, ${code(url)}`],
    ["image", imageExecuted ? "executed" : "image not executed"],
    ["plan", formatPlan(plan)],
    ["evidence", text`${code(evidence.path)} ${code(shortDigest(evidence.digest))}`],
  ];
  return {
    title: "Rollout",
    priority: 4,
    folded: true,
    blocks: [{ kind: "table", columns: [{ title: "" }, { title: "" }], rows }],
  };
}

function plainReason({ decision, entry, reasons }: EndedOutcome): string {
  if (decision !== "promoted") return reasons.map(formatReason).join("; ");
  const proofs = proofsOf(entry.looks, entry.plan);
  return proofs.length === 0 ? "its promotion had been decided" : proofs.join("; ");
}
