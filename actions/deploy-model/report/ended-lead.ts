import { code, type Text, text } from "../../shared/domain/report.ts";
import { formatOdds } from "../../shared/domain/rollout/reason.ts";
import type { EndedOutcome } from "./outcome-kinds.ts";

export function rehearsalLead({ rehearsal, decision }: EndedOutcome): readonly Text[] {
  if (!rehearsal) return [];
  return [
    decision === "promoted"
      ? "Rehearsal: nothing serves after this step. On a machine that stays, `keep: true` lets the champion serve on."
      : "Rehearsal: nothing serves after this step.",
  ];
}

export function contextLead({ entry, reasons, verdict, imageExecuted, resumed }: EndedOutcome): readonly Text[] {
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
    ...(entry.carriedOn === undefined
      ? resumed
        ? ["It went on where a step that was killed had left it."]
        : []
      : [text`It was carried on by hand by ${entry.carriedOn.by}. It had been held: ${entry.carriedOn.held}.`]),
    ...(entry.strategy === undefined || entry.strategy === "canary"
      ? []
      : [
          `Strategy ${entry.strategy}: the versions were not compared, only whether the new one comes up, answers and stays up.`,
        ]),
  ];
}

export function aftermathLead({ decision, entry, verified, url }: EndedOutcome): readonly Text[] {
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

export function nextLead({ decision, entry, evidence, reasons, differing }: EndedOutcome): Text {
  const replay = text`${code("mode: replay")} with ${code(`evidence: ${evidence.path}`)} shows every look`;
  if (decision === "promoted") return text`Next: nothing; ${replay}.`;
  if (decision === "held") {
    const isIncident = reasons.some((reason) => reason.why === "incident");
    const again = isIncident
      ? "when the platform is well again, run the step again"
      : "run the step again, with more traffic or more time";
    const byHand =
      isIncident || entry.looks.length === 0 ? "" : text`, or carry it on by hand with ${code("mode: promote")}`;
    return text`Next: ${again}${byHand}; ${replay}.`;
  }
  return text`Next: ${replay}${differing.length === 0 && !entry.duel?.differing.length ? "" : "; the first differing payloads are below"}.`;
}

const PHRASE = {
  errors: "no proper answer",
  slow: "a slow answer",
  wrong: "a wrong answer",
  rejected: "a refusal (4xx)",
} as const;
