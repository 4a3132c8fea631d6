import { withPublications } from "../shared/domain/publication.ts";
import { type Conclusion, code, text } from "../shared/domain/report.ts";
import type { Outcome } from "./outcome.ts";
import { endedConclusion } from "./report/ended.ts";
import { type Common, urlOutput } from "./report/outcome-kinds.ts";
import { plannedReport, reasonOf } from "./report/planned.ts";
import { replayedConclusion } from "./report/replayed.ts";
import { statusReport } from "./report/status.ts";

export function report(outcome: Outcome): Conclusion {
  const conclusion = conclude(outcome);
  return outcome.told === undefined ? conclusion : withPublications(conclusion, outcome.told);
}

function conclude(outcome: Outcome): Conclusion {
  switch (outcome.state) {
    case "ended":
      return endedConclusion(outcome);
    case "stopped":
      return stoppedConclusion(outcome);
    case "unchanged":
      return unchangedConclusion(outcome);
    case "planned":
      return {
        report: plannedReport(outcome),
        outputs: { reason: reasonOf(outcome) },
        succeeded: outcome.standing.do !== "refuse" && outcome.standing.do !== "hold",
      };
    case "lowered":
      return loweredConclusion(outcome);
    case "status":
      return { report: statusReport(outcome.status), outputs: urlOutput(outcome.url), succeeded: true };
    case "replayed":
      return replayedConclusion(outcome);
  }
}

function stoppedConclusion(outcome: Common & Extract<Outcome, { state: "stopped" }>): Conclusion {
  const { decision, model, reason, hint, url } = outcome;
  const verb = decision === "refused" ? "Refused" : "Held";
  return {
    report: {
      tone: decision === "refused" ? "bad" : "waiting",
      headline: text`${verb} ${model.name} ${model.version}: ${reason}`,
      lead: [text`Nothing was started, nothing was changed. Next: ${hint}.`],
      sections: [],
      findings: [],
    },
    outputs: { decision, reason, exposure: "0", ...urlOutput(url) },
    parts: { deployment: { target: outcome.target, decision, exposure: 0, rehearsal: outcome.rehearsal, reason } },
    succeeded: decision === "held" && outcome.allowHold,
  };
}

function unchangedConclusion(outcome: Common & Extract<Outcome, { state: "unchanged" }>): Conclusion {
  const { reason, exposure, url } = outcome;
  return {
    report: {
      tone: "good",
      headline: text`Nothing to do: ${reason}`,
      lead: url === undefined ? [] : [text`It answers at ${code(url)}.`],
      sections: [],
      findings: [],
    },
    outputs: { decision: "promoted", reason, exposure: String(exposure), ...urlOutput(url) },
    succeeded: true,
  };
}

function loweredConclusion(outcome: Common & Extract<Outcome, { state: "lowered" }>): Conclusion {
  const { by, name, said, url, entry } = outcome;
  const reason = said.join(" ");
  const serves = entry?.decision === "promoted";
  return {
    report: {
      tone: "undone",
      headline: text`${ENDED[by]} ${name}: ${said[0] ?? ""}`,
      lead: [said.slice(1).join(" ")],
      sections: [],
      findings: [],
    },
    outputs: {
      reason,
      exposure: serves ? "1" : "0",
      ...(by === "abort" ? { decision: "aborted" } : entry?.decision === undefined ? {} : { decision: entry.decision }),
      ...urlOutput(url),
    },
    succeeded: true,
  };
}

const ENDED = { abort: "Aborted", recover: "Recovered", reconcile: "Reconciled" } as const;
