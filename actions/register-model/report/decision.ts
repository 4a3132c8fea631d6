import { code, type Report, type Text, text } from "../../shared/domain/report.ts";
import { formatDecision, type VersionChange } from "../../shared/domain/version-state.ts";
import type { Outcome } from "../outcome.ts";

type Decided = Extract<Outcome, { state: "decided" }>;

const DEEDS: Readonly<Record<VersionChange, string>> = {
  approved: "approved",
  retired: "taken out of use",
  restored: "taken back into use",
};

/** What somebody decided of a version. */
export function decisionReport(outcome: Decided): Report {
  const { name, version, change, isNew, last } = outcome;
  const by = text`${last.act.by}: ${last.reason}`;
  return {
    tone: "good",
    headline: isNew
      ? text`${name} ${version} ${DEEDS[change]} by ${by}`
      : text`${name} ${version} ${change === "restored" ? "is in use" : `was ${DEEDS[change]}`} already: nothing was written`,
    lead: [...placeLead(outcome), ...nextLead(outcome)],
    sections: [],
    findings: [],
  };
}

function placeLead({ change, isNew, last }: Decided): readonly Text[] {
  if (!isNew) return last.change === change ? [text`By ${formatDecision(last)}.`] : [];
  if (last.environment !== undefined) {
    const by = last.reviewers === undefined ? "" : `, which ${last.reviewers.join(" and ")} let in`;
    return [text`In a job of the environment ${code(last.environment)}${by}.`];
  }
  if (change !== "approved") return [];
  return [
    text`No GitHub environment stands behind it: a job with ${code("environment")}, which its reviewers let pass, and the permission ${code("id-token: write")} would name one.`,
  ];
}

function nextLead({ change, name, version, aliases }: Decided): readonly Text[] {
  const subject = code(`${name}@${version}`);
  switch (change) {
    case "approved":
      return [text`Next: deploy-model with ${code(`model: ${name}@${version}`)}, or ${code("mode: alias")}.`];
    case "retired":
      return [
        text`deploy-model and every alias refuse ${subject} from now on.${aliases.length === 0 ? "" : text` Still there: ${code(aliases.join(", "))}; point ${aliases.length === 1 ? "it" : "them"} at another version.`}`,
      ];
    case "restored":
      return [
        text`What ${subject} had of approvals ended when it was retired: where an alias asks for one, approve it anew.`,
      ];
  }
}
