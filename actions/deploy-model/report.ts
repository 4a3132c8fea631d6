import { shortDigest } from "../shared/domain/digest.ts";
import { formatDuration, formatPercent } from "../shared/domain/quantity.ts";
import type { Deployment } from "../shared/domain/release.ts";
import {
  type Block,
  type Conclusion,
  code,
  type Report,
  type Section,
  type Text,
  text,
} from "../shared/domain/report.ts";
import { formatForecast } from "../shared/domain/rollout/forecast.ts";
import type { Look } from "../shared/domain/rollout/journal-entry.ts";
import type { SeriesVerdict } from "../shared/domain/rollout/judge.ts";
import { judgeAgain } from "../shared/domain/rollout/judge-looks.ts";
import { formatBad, formatOdds, formatRate, formatReason, type Reason } from "../shared/domain/rollout/reason.ts";
import { formatPlan } from "../shared/domain/rollout/traffic-plan.ts";
import type { Ended, Outcome, Planned, Status, StatusServed } from "./outcome.ts";

export function report(outcome: Outcome): Conclusion {
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

type Common = Pick<Outcome, "target" | "rehearsal" | "allowHold" | "url">;
type EndedOutcome = Common & Ended;

function endedConclusion(outcome: EndedOutcome): Conclusion {
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
    lead: [...rehearsalLead(outcome), ...contextLead(outcome), ...aftermathLead(outcome), nextLead(outcome)],
    sections: [
      ...seriesSection(outcome),
      ...differingSection(outcome),
      ...evidenceSections(outcome.entry.looks, outcome),
      factsSection(outcome),
    ],
    findings: [],
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

/** What was proved in the canary, series by series. */
function proofsOf(looks: readonly Look[], plan: Ended["entry"]["plan"]): readonly string[] {
  const last = judgeAgain(
    plan,
    looks.filter((look) => look.phase === "canary"),
  ).at(-1);
  return (last?.verdict.series ?? []).map((series) => {
    const rules = plan.judge.series.find(({ name }) => name === series.name);
    const rate = formatBad(series.name, series.counts.candidate);
    if (series.proof === "ceiling") return `${rate}, proved under ${formatPercent(rules?.ceiling ?? 0)}`;
    if (series.proof === "ratio")
      return `${rate} beside the champion's ${formatRate(series.counts.stable)}, proved less than ${rules?.maxRatio ?? 0} times as bad`;
    return rate;
  });
}

function rehearsalLead({ rehearsal, decision }: EndedOutcome): readonly Text[] {
  if (!rehearsal) return [];
  return [
    decision === "promoted"
      ? "Rehearsal: nothing serves after this step. On a machine that stays, `keep: true` lets the champion serve on."
      : "Rehearsal: nothing serves after this step.",
  ];
}

function contextLead({ entry, reasons, verdict, imageExecuted, resumed }: EndedOutcome): readonly Text[] {
  const alarms = reasons.filter((reason) => reason.why === "alarm");
  const met = verdict?.series.find(({ name }) => name === "errors")?.counts.candidate.n;
  return [
    ...(entry.stable === undefined && entry.looks.length > 0
      ? ["It is the first to serve: judged by smoke test, replay and absolute bounds, with nothing to compare with."]
      : []),
    ...(alarms.length === 0 || met === undefined
      ? []
      : [
          `${met} requests met the candidate, ${alarms.map((alarm) => `${alarm.counts.candidate.bad} of ${alarm.counts.candidate.n} got ${PHRASE[alarm.series]}`).join(", ")}. ${alarms.map((alarm) => `Proof ${formatOdds(alarm.logE)} where ${formatOdds(alarm.needed)} is asked.`).join(" ")}`,
        ]),
    ...(imageExecuted || entry.looks.length === 0
      ? []
      : [text`Image not executed: the servers ran as processes of this machine.`]),
    ...(resumed ? ["It went on where a step that was killed had left it."] : []),
  ];
}

const PHRASE = { errors: "no proper answer", slow: "a slow answer", wrong: "a wrong answer" } as const;

function aftermathLead({ decision, entry, verified, url }: EndedOutcome): readonly Text[] {
  if (decision === "promoted")
    return [
      text`${code("champion")} of ${entry.candidate.name} is ${entry.candidate.version}${entry.stable === undefined ? "" : ` (was ${entry.stable.version})`}.`,
      ...(url === undefined ? [] : [text`It serves at ${code(url)}.`]),
    ];
  if (entry.stable === undefined) return ["Nothing serves: there was no version before."];
  const counted =
    verified === undefined ? "" : ` (counted: ${verified.elsewhere} of ${verified.requests} requests went elsewhere)`;
  return [text`Champion ${entry.stable.version} serves everything again${counted}.`];
}

function nextLead({ decision, evidence, reasons, differing }: EndedOutcome): Text {
  const replay = text`${code("mode: replay")} with ${code(`evidence: ${evidence.path}`)} shows every look`;
  if (decision === "promoted") return text`Next: nothing; ${replay}.`;
  if (decision === "held")
    return text`Next: ${reasons.some((reason) => reason.why === "incident") ? "when the platform is well again, run the step again" : "run the step again, with more traffic or more time"}; ${replay}.`;
  return text`Next: ${replay}${differing.length === 0 ? "" : "; the first differing payloads are below"}.`;
}

function seriesSection({ entry, verdict }: EndedOutcome): readonly Section[] {
  const canary = judgeAgain(
    entry.plan,
    entry.looks.filter((look) => look.phase === "canary"),
  ).at(-1);
  const series = canary?.verdict.series ?? verdict?.series ?? [];
  if (series.length === 0) return [];
  const columns = [
    { title: "" },
    { title: "bad answers" },
    { title: entry.candidate.version, align: "right" },
    ...(entry.stable === undefined ? [] : [{ title: `champion ${entry.stable.version}`, align: "right" } as const]),
    { title: "evidence" },
  ] as const;
  const rows = series.map((one) => [
    isAlarm(one) ? "❌" : one.proof === undefined ? "➖" : "✅",
    code(one.name),
    `${one.counts.candidate.bad} of ${one.counts.candidate.n} (${formatRate(one.counts.candidate)})`,
    ...(entry.stable === undefined
      ? []
      : [`${one.counts.stable.bad} of ${one.counts.stable.n} (${formatRate(one.counts.stable)})`]),
    evidenceText(one),
  ]);
  return [{ priority: 1, blocks: [{ kind: "table", columns, rows }] }];
}

function isAlarm(series: SeriesVerdict): boolean {
  return series.fail >= series.neededToFail;
}

function evidenceText(series: SeriesVerdict): string {
  if (isAlarm(series)) return `worse: ${formatOdds(series.fail)}, ${formatOdds(series.neededToFail)} asked`;
  if (series.proof === "ceiling") return `under the ceiling: ${formatOdds(series.ceiling)}`;
  if (series.proof === "ratio") return `less than max-ratio times as bad: ${formatOdds(series.pass)}`;
  return `not proved: ${formatOdds(Math.max(series.pass, series.ceiling))}, ${formatOdds(series.neededToPass)} asked`;
}

function differingSection({ differing }: EndedOutcome): readonly Section[] {
  if (differing.length === 0) return [];
  const columns = [
    { title: "payload", align: "right" },
    { title: "where" },
    { title: "expected" },
    { title: "answer" },
    { title: "request" },
  ] as const;
  const rows = differing.map((one) => [
    String(one.payload),
    code(one.path),
    code(one.expected),
    code(one.saw),
    code(one.request),
  ]);
  return [
    {
      title: "First answers of the candidate that differ",
      priority: 2,
      folded: true,
      blocks: [{ kind: "table", columns, rows }],
    },
  ];
}

/** At most so many rows: the steps' first and last looks, and some between. */
const MAX_ROWS = 24;

function evidenceSections(looks: readonly Look[], { entry }: Pick<Ended, "entry">): readonly Section[] {
  if (looks.length === 0) return [];
  const columns = [
    { title: "look", align: "right" },
    { title: "after", align: "right" },
    { title: "share", align: "right" },
    { title: "candidate", align: "right" },
    { title: "stable", align: "right" },
    { title: "verdict" },
    { title: "next" },
  ] as const;
  const stride = Math.ceil(looks.length / MAX_ROWS);
  const rows = looks.flatMap((look, i) => {
    const isKept = i % stride === 0 || i === looks.length - 1 || look.next !== "wait";
    if (!isKept) return [];
    return [
      [
        String(i + 1),
        formatDuration(look.atMs - entry.startedAtMs),
        formatPercent(look.share),
        badText(look, "candidate"),
        badText(look, "stable"),
        look.verdict,
        look.next,
      ],
    ];
  });
  const blocks: readonly Block[] = [
    {
      kind: "chart",
      title: "Evidence against the candidate",
      xLabel: "look",
      yLabel: "ln E",
      series: chartSeries(looks),
    },
    { kind: "table", columns, rows },
  ];
  return [{ title: looks.length === 1 ? "One look" : `${looks.length} looks`, priority: 3, folded: true, blocks }];
}

function badText(look: Look, arm: "candidate" | "stable"): string {
  const { requests, series } = look.counts[arm];
  const bad = Object.entries(series).flatMap(([name, tally]) => (tally?.bad ? [`${tally.bad} ${name}`] : []));
  return bad.length === 0 ? `${requests}` : `${requests}, ${bad.join(", ")}`;
}

function chartSeries(looks: readonly Look[]) {
  const canary = looks.filter((look) => look.phase === "canary");
  const names = [...new Set(canary.flatMap((look) => Object.keys(look.evidence)))];
  return names.map((name) => ({
    name,
    points: canary.map((look, i) => [i + 1, Number((look.evidence[name]?.fail ?? 0).toFixed(3))] as const),
  }));
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

function plannedReport(outcome: Common & Planned): Report {
  const { candidate, stable, standing, plan, forecast } = outcome;
  const name = `${candidate.model} ${candidate.version}`;
  const headline =
    standing.do === "deploy"
      ? stable === undefined
        ? text`${name} would be the first to serve, judged by smoke test, replay and absolute bounds`
        : text`${name} would be compared with ${stable.version} in a canary: ${formatPlan(plan)}`
      : text`${name} would not be rolled out: ${standing.reason}`;
  const rows = plan.judge.series.map((series) => [
    code(series.name),
    plan.judge.against === "stable" ? `less than ${series.maxRatio} times as bad, or` : "",
    `under ${formatPercent(series.ceiling)}`,
    plan.judge.against === "stable"
      ? `more than ${series.margin} times as bad`
      : `over ${formatPercent(plan.judge.breaker.rate)}`,
  ]);
  const columns = [
    { title: "series" },
    { title: "promoted when" },
    { title: "proved to be" },
    { title: "rolled back when" },
  ];
  return {
    tone: standing.do === "refuse" || standing.do === "hold" ? "warn" : "neutral",
    headline,
    lead: [
      ...(forecast === undefined ? [] : [`Forecast ${formatForecast(forecast, plan)}.`]),
      ...("hint" in standing ? [text`Next: ${standing.hint}.`] : []),
      "Nothing was started, nothing was written. Not checked: whether the servers start and answer.",
    ],
    sections: [{ title: "Judge", priority: 2, blocks: [{ kind: "table", columns, rows }] }],
    findings: [],
  };
}

function reasonOf({ standing }: Planned): string {
  return standing.do === "deploy" ? "a canary would begin" : standing.reason;
}

function loweredConclusion(outcome: Common & Extract<Outcome, { state: "lowered" }>): Conclusion {
  const { by, name, said, url, entry } = outcome;
  const reason = said.join(" ");
  const serves = entry?.decision === "promoted";
  return {
    report: {
      tone: "undone",
      headline: text`${by === "abort" ? "Aborted" : "Recovered"} ${name}: ${said[0] ?? ""}`,
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

function statusReport({ name, stable, candidate, share, holder, entry }: Status): Report {
  const last = entry?.looks.at(-1);
  const rows: readonly (readonly Text[])[] = [
    ["stable", servedText(stable)],
    ["candidate", servedText(candidate)],
    ["candidate's share", formatPercent(share)],
    ["held by", holder ?? "nobody"],
    [
      "last rollout",
      entry === undefined
        ? "none"
        : `${entry.candidate.version}, ${entry.phase}${entry.decision === undefined ? "" : `, ${entry.decision}`}${entry.reason === undefined ? "" : `: ${entry.reason}`}`,
    ],
    [
      "last look",
      last === undefined ? "none" : `${entry?.looks.length} at ${formatPercent(last.share)}: ${last.verdict}`,
    ],
  ];
  return {
    tone: "neutral",
    headline: text`${name}: ${stable === undefined ? "nothing serves" : `${stable.version} serves`}${share > 0 ? `, ${formatPercent(share)} goes to a candidate` : ""}`,
    lead: [],
    sections: [{ priority: 1, blocks: [{ kind: "table", columns: [{ title: "" }, { title: "" }], rows }] }],
    findings: [],
  };
}

function servedText(served: StatusServed | undefined): Text {
  if (served === undefined) return "none";
  const { version, url, how, ended } = served;
  return text`${version} at ${code(url)} (${how})${ended === undefined ? "" : `: ${ended}`}`;
}

function replayedConclusion(outcome: Common & Extract<Outcome, { state: "replayed" }>): Conclusion {
  const { evidence, differing, looks } = outcome.replayed;
  const { candidate, decision, reason } = evidence;
  const isSame = differing.length === 0;
  const verdict = `${decision ?? evidence.phase}${reason === undefined ? "" : `: ${reason}`}`;
  const rows = differing.slice(0, 20).map((one) => [String(one.look), one.recorded, one.judged]);
  const columns = [{ title: "look", align: "right" }, { title: "recorded" }, { title: "judged again" }] as const;
  return {
    report: {
      tone: isSame ? "good" : "bad",
      headline: isSame
        ? text`${looks.length} looks of ${candidate.name} ${candidate.version} judged again come to the same: ${verdict}`
        : text`${differing.length} of ${looks.length} looks of ${candidate.name} ${candidate.version} judged again come to something else`,
      lead: [text`${code(outcome.path)}, ${code(shortDigest(evidence.digest))}`],
      sections: [
        ...(isSame ? [] : [{ priority: 1, blocks: [{ kind: "table", columns, rows } as const] }]),
        ...evidenceSections(looks, { entry: evidence }),
      ],
      findings: [],
    },
    outputs: { ...(decision === undefined ? {} : { decision }), reason: reason ?? "", evidence: outcome.path },
    succeeded: isSame,
  };
}

function urlOutput(url: string | undefined): Readonly<Record<string, string>> {
  return { url: url ?? "" };
}
