import { isPassed } from "../shared/domain/gate/record.ts";
import { describeGate } from "../shared/domain/gate/report.ts";
import { formatCount } from "../shared/domain/quantity.ts";
import type { Gate } from "../shared/domain/release.ts";
import {
  type Conclusion,
  code,
  type Finding,
  type Report,
  type Section,
  type Text,
  text,
  withLead,
} from "../shared/domain/report.ts";
import type { Outcome } from "./outcome.ts";

export function report(outcome: Outcome): Conclusion {
  const conclusion = conclude(outcome);
  if (!outcome.rehearsal) return conclusion;
  return withLead(conclusion, "Rehearsal: the store's folder is gone with this job.");
}

function conclude(outcome: Outcome): Conclusion {
  switch (outcome.state) {
    case "judged":
      return {
        report: judgedReport(outcome),
        outputs: outputsOf(outcome),
        parts: { gate: outcome.gate },
        succeeded: isPassed(outcome.gate),
      };
    case "planned": {
      const told = describeGate(outcome.story);
      return {
        report: { ...told, lead: [...told.lead, wouldText(outcome)] },
        outputs: verdictOutputs(outcome.gate),
        succeeded: isPassed(outcome.gate),
      };
    }
    case "planned-early":
      return { report: earlyReport(outcome), outputs: {}, succeeded: outcome.rules.length > 0 };
  }
}

type Judged = Extract<Outcome, { state: "judged" }>;

function outputsOf({ gate, posted }: Judged): Conclusion["outputs"] {
  const urls = posted.flatMap(({ what, result }) => (result.state === "posted" ? [[`${what}-url`, result.url]] : []));
  return { ...verdictOutputs(gate), ...Object.fromEntries(urls) };
}

function verdictOutputs({ verdict, override, rules }: Gate): Conclusion["outputs"] {
  const failed = rules.filter(({ state }) => state === "fail" || state === "no-data").map(({ rule }) => rule);
  return { verdict: override === undefined ? verdict : "overridden", "failed-rules": JSON.stringify(failed) };
}

function judgedReport(outcome: Judged): Report {
  const told = describeGate(outcome.story);
  const refused = outcome.posted.filter(({ result }) => result.state !== "posted");
  if (refused.length === 0) return told;
  if (outcome.isFork && refused.every(({ result }) => result.state === "denied"))
    return { ...told, lead: [...told.lead, FORK] };
  return {
    ...told,
    sections: [...told.sections, refusedSection(refused)],
    findings: [...told.findings, ...refused.map(refusedFinding)],
  };
}

const FORK =
  "This pull request is from a fork, whose token may only read: the verdict stands here, and nowhere on the pull request.";

const PERMISSIONS = { check: "checks: write", comment: "pull-requests: write" } as const;

type Refused = Judged["posted"][number];

function reasonOf({ result }: Refused): string {
  return result.state === "posted" ? "" : result.reason;
}

/** Ready to be pasted: a `permissions` block takes away what it does not name. */
function refusedSection(refused: readonly Refused[]): Section {
  const denied = refused.filter(({ result }) => result.state === "denied");
  const lines = ["permissions:", "  contents: read", ...denied.map(({ what }) => `  ${PERMISSIONS[what]}`)];
  return {
    title: "Not posted",
    priority: 2,
    blocks: [
      { kind: "list", items: refused.map((one) => `${plain(one.place)}: ${reasonOf(one)}`) },
      ...(denied.length === 0
        ? []
        : [
            { kind: "paragraph", text: "The job's token may not. Add to the job:" } as const,
            { kind: "code", language: "yaml", text: lines.join("\n") } as const,
          ]),
    ],
  };
}

function refusedFinding(one: Refused): Finding {
  const hint = one.result.state === "denied" ? `; add \`${PERMISSIONS[one.what]}\` to the job's permissions` : "";
  return { level: "warning", message: `Could not write ${plain(one.place)}: ${reasonOf(one)}${hint}` };
}

type Planned = Extract<Outcome, { state: "planned" | "planned-early" }>;

function wouldText({ wouldPost }: Planned): Text {
  return text`Plan: nothing was written. It would write ${wouldPost.map(({ place }) => plain(place)).join(" and ")}.`;
}

function earlyReport(outcome: Extract<Outcome, { state: "planned-early" }>): Report {
  const { story, rules } = outcome;
  if (rules.length === 0)
    return {
      tone: "bad",
      headline: text`${story.subject} could not be judged: no gate was given`,
      lead: [text`Next: say what a model must show, such as ${code("gates: accuracy >= 0.95")}.`],
      sections: [],
      findings: [],
    };
  const against = story.champion === undefined ? "without a champion" : `against champion ${story.champion.version}`;
  return {
    tone: "neutral",
    headline: text`${story.subject} will be judged by ${formatCount(rules.length, "rule")} once its run has metrics, ${against}`,
    lead: [wouldText(outcome)],
    sections: [{ title: "Rules", priority: 1, blocks: [{ kind: "list", items: rules.map(code) }] }],
    findings: [],
  };
}

function plain(place: string): string {
  return place.replaceAll("`", "");
}
