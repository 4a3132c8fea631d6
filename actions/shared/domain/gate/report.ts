import { shortDigest } from "../digest.ts";
import { formatPlace, type Place } from "../problem.ts";
import type { GateVerdict } from "../release.ts";
import { code, type Finding, type Report, spansOf, type Text, type Tone, text } from "../report.ts";
import { decisiveCase } from "./record.ts";
import {
  type Case,
  type GateEvaluation,
  type RuleResult,
  type RuleState,
  type SingleResult,
  singlesOf,
} from "./result.ts";
import { gateSections, type Judged } from "./sections.ts";
import { marginOf, tellCase, tellReason } from "./show.ts";

/** All that a reader may want to know of one verdict. */
export type GateStory = Judged & {
  /** What was judged: `digits 1.2.0`. */
  readonly subject: string;
  /** Why there is no champion, as the rest of a sentence; undefined where none was wanted. */
  readonly noChampion?: string;
  /** Where the rules are from; undefined where there are none. */
  readonly gates?: Place;
  readonly override?: { readonly by: string; readonly reason: string };
};

export function describeGate(story: GateStory): Report {
  return {
    tone: toneOf(story),
    headline: headlineOf(story),
    lead: [contextOf(story), nextText(story)].filter((part) => part !== undefined),
    sections: gateSections(story),
    findings: story.evaluation.results.flatMap((result) => finding(result, story)),
  };
}

const TONES: Readonly<Record<GateVerdict, Tone>> = { pass: "good", warn: "warn", fail: "bad", "no-data": "bad" };

function toneOf({ evaluation, override }: GateStory): Tone {
  return override === undefined ? TONES[evaluation.verdict] : "warn";
}

function headlineOf(story: GateStory): Text {
  const { subject, evaluation, override } = story;
  const decided = decidedBy(evaluation);
  if (override !== undefined)
    return text`${subject}: its gate was overridden by ${override.by}, “${override.reason}”; ${decided}`;
  switch (evaluation.verdict) {
    case "pass":
      return text`${subject} passed its gate: ${decided}`;
    case "warn":
      return text`${subject} passed its gate with a warning: ${decided}`;
    case "fail":
      return text`${subject} did not pass its gate: ${decided}`;
    case "no-data":
      return text`${subject} could not be judged: ${decided}`;
  }
}

/** The number, or what is missing of it, that the verdict hangs on. */
function decidedBy({ verdict, results }: GateEvaluation): Text {
  if (results.length === 0) return "no gate was given";
  if (results.every(({ state }) => state === "skipped")) return "every rule asks for a champion, and there is none";
  if (verdict === "pass") return tightest(results);
  const decisive = results.find(({ state }) => state === verdict);
  const single = decisive === undefined ? undefined : spokesman(decisive);
  return single === undefined ? verdict : tellCase(single.rule, decisiveCase(single));
}

/** Of the rules that hold the one that is nearest to its bound, in parts of it. */
function tightest(results: readonly RuleResult[]): Text {
  const holding = results
    .filter(({ state }) => state === "pass")
    .map(spokesman)
    .map((single) => ({ single, seen: decisiveCase(single) }));
  const share = ({ single, seen }: (typeof holding)[number]) =>
    marginOf(single.rule, seen) / Math.max(Math.abs(Number(seen.bound)), 1e-9);
  const numbers = holding.filter(({ seen }) => typeof seen.value === "number");
  const [first, ...others] = numbers.length > 0 ? numbers : holding;
  if (first === undefined) return "all rules hold";
  const nearest = others.reduce((best, one) => (share(one) < share(best) ? one : best), first);
  const told = tellCase(nearest.single.rule, nearest.seen);
  return holding.length === 1 ? told : text`${holding.length} rules hold, the closest one: ${told}`;
}

/** The rule that speaks for a result: itself, or of alternatives the one that decides. */
function spokesman(result: RuleResult): SingleResult {
  const singles = singlesOf(result);
  const speaker = singles.find(({ state }) => state === result.state) ?? singles[0];
  if (speaker === undefined) throw new RangeError("any-of has two rules or more");
  return speaker;
}

/** What stands around the number: how many rules hold, compared with what, where the rules are. */
function contextOf(story: GateStory): Text | undefined {
  const { evaluation, gates } = story;
  if (evaluation.results.length === 0) return undefined;
  const decisive = evaluation.results.find(({ state }) => state === evaluation.verdict && state !== "pass");
  const place = formatPlace(decisive?.rule.where ?? gates);
  const sentences = [holdText(evaluation), championText(story), text`Gates: ${code(place)}.`];
  return sentences
    .filter((sentence) => sentence !== undefined)
    .flatMap((sentence, index) => (index === 0 ? spansOf(sentence) : [" ", ...spansOf(sentence)]));
}

function holdText({ results, verdict }: GateEvaluation): Text | undefined {
  const count = (state: RuleState) => results.filter((result) => result.state === state).length;
  const asked = results.length - count("skipped");
  if (asked === 0 || (asked === 1 && verdict === "pass")) return undefined;
  const parts = [
    `${count("pass")} of ${asked} ${asked === 1 ? "rule holds" : "rules hold"}`,
    ...(count("no-data") > 0 ? [`${count("no-data")} could not be judged`] : []),
    ...(count("warn") > 0 ? [`${count("warn")} ${count("warn") === 1 ? "warns" : "warn"}`] : []),
  ];
  return `${parts.join(", ")}.`;
}

function championText({ evaluation, champion, noChampion, metrics, data }: GateStory): Text | undefined {
  if (champion === undefined) {
    const skipped = evaluation.results.filter(({ state }) => state === "skipped").length;
    if (noChampion === undefined && skipped === 0) return undefined;
    const rules = skipped === 0 ? "" : `: ${skipped} ${skipped === 1 ? "rule on it was" : "rules on it were"} skipped`;
    return text`There is no champion${noChampion === undefined ? "" : [" (", ...tellReason(noChampion), ")"]}${rules}.`;
  }
  const asked = new Set(evaluation.results.flatMap(singlesOf).map(({ rule }) => nameOf(rule)));
  const measured = [...metrics, ...champion.metrics].filter(({ name }) => asked.has(name));
  const digests = new Set(measured.map(({ dataset }) => dataset?.digest));
  const [digest] = digests;
  if (digests.size !== 1 || digest === undefined) return text`Compared with champion ${champion.version}.`;
  const role = measured.find(({ dataset }) => dataset !== undefined)?.dataset?.role ?? "data";
  const counts = measured.map(({ n }) => n ?? 0);
  const rows = data.find((set) => set.digest === digest)?.rows ?? (Math.max(...counts) || undefined);
  const size = rows === undefined ? "" : `${rows} rows, `;
  return text`Compared with champion ${champion.version} on the same ${role} set (${size}${code(shortDigest(digest))}).`;
}

function nameOf({ subject }: SingleResult["rule"]): string | undefined {
  return subject.kind === "data" ? undefined : subject.metric.name;
}

/** What to do, if anything. */
function nextText({ evaluation, override }: GateStory): Text | undefined {
  const { verdict, results } = evaluation;
  if (override !== undefined || verdict === "pass" || verdict === "warn") return undefined;
  if (results.length === 0) return text`Next: say what a model must show, such as ${code("gates: accuracy >= 0.95")}.`;
  if (results.every(({ state }) => state === "skipped"))
    return text`Next: give a bound that needs no champion, such as ${code("accuracy >= 0.9")}, for the first release.`;
  if (verdict === "fail")
    return text`Next: mend the model and release it under a new tag. To let this one through, run the step with ${code("override: REASON")}; it is recorded with your name.`;
  const missing = results.flatMap(singlesOf).some(({ cases }) => cases.some(lacksValue));
  if (!missing) return undefined;
  return text`Next: make the run report what is missing. Where it may be missing, ${code("if-missing warn")} at the end of the rule says so.`;
}

function lacksValue({ state, value }: Case): boolean {
  return state === "no-data" && value === undefined;
}

const LEVELS: Readonly<Partial<Record<RuleState, Finding["level"]>>> = {
  fail: "error",
  "no-data": "error",
  warn: "warning",
};
const SAID: Readonly<Partial<Record<RuleState, string>>> = {
  fail: "does not hold",
  "no-data": "could not be judged",
  warn: "warns",
};
/** Slices that one annotation tells. */
const TOLD = 5;

/** One annotation for a rule, at its line. */
function finding(result: RuleResult, { override }: GateStory): readonly Finding[] {
  const level = LEVELS[result.state];
  if (level === undefined) return [];
  const single = spokesman(result);
  const cases = single.cases.filter(({ state }) => state === result.state);
  const told = cases.slice(0, TOLD).map((one) => plain(tellCase(single.rule, one)));
  const more = cases.length > TOLD ? `; ${cases.length - TOLD} more` : "";
  const message = `${result.text} ${SAID[result.state]}: ${told.join("; ")}${more}`;
  return [{ level: override === undefined ? level : "warning", where: result.rule.where, message }];
}

function plain(told: Text): string {
  const spans = Array.isArray(told) ? told : [told];
  return spans.map((span) => (typeof span === "string" ? span : "code" in span ? span.code : "")).join("");
}
