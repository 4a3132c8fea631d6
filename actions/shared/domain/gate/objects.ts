import { nearestName } from "../nearest.ts";
import { bad, type Checked, ok, type Place, type Problem } from "../problem.ts";
import { parseFraction } from "../quantity.ts";
import { GATE_FILE } from "./gate-file.ts";
import { checkRule, parseBound, parseGateLines, parseSubject } from "./lines.ts";
import {
  type AnyOfRule,
  asksChampion,
  type Bound,
  type Confidence,
  type IfMissing,
  type IfNoChampion,
  OPERATORS,
  type Operator,
  type Rule,
  type SingleRule,
  type Subject,
} from "./rule.ts";

type Path = readonly (string | number)[];
/** Where a part of the document was written. */
export type PlaceOf = (path: Path) => Place;

/** A place in the document, and the way from it to its parts. */
type Spot = { readonly where: Place; at(key: string | number): Spot };

function spotOf(path: Path, placeOf: PlaceOf): Spot {
  return { where: placeOf(path), at: (key) => spotOf([...path, key], placeOf) };
}

/**
 * The object form of a gate, from parsed YAML or JSON: `rules`, a list of gate lines, of objects with the parts of a line by name, and of
 * `any-of` lists of both (`GateFileSchema`). All that is wrong is found at once, each at its own line.
 */
export function parseGateObjects(document: unknown, placeOf: PlaceOf): Checked<readonly Rule[]> {
  const spot = spotOf([], placeOf);
  if (!isRecord(document)) return bad(notA("a gate file is an object with `rules`", document, spot));
  const unknown = unknownKeys(document, GATE_FILE.keys, spot);
  const list = document.rules;
  const rules = spot.at("rules");
  if (!Array.isArray(list)) return bad(...unknown, notA("`rules` is a list", list, list === undefined ? spot : rules));
  return gather(
    unknown,
    list.map((item, index) => parseItem(item, rules.at(index))),
  );
}

function parseItem(item: unknown, spot: Spot): Checked<readonly Rule[]> {
  return isRecord(item) && "any-of" in item ? parseAnyOf(item, spot) : parseSingle(item, spot);
}

function parseAnyOf(item: Item, spot: Spot): Checked<readonly Rule[]> {
  const unknown = unknownKeys(item, GATE_FILE.anyOfKeys, spot);
  const list = item["any-of"];
  const inner = spot.at("any-of");
  if (!Array.isArray(list) || list.length < 2)
    return bad(...unknown, notA("`any-of` is a list of two rules or more", list, inner));
  const rules = gather(
    unknown,
    list.map((one, index) => parseSingle(one, inner.at(index))),
  );
  if (rules.state === "bad") return rules;
  const anyOf: AnyOfRule = { kind: "any-of", rules: rules.value, where: spot.where };
  return ok([anyOf]);
}

function parseSingle(item: unknown, spot: Spot): Checked<readonly SingleRule[]> {
  if (typeof item === "string") return parseGateLines(item, spot.where);
  if (!isRecord(item)) return bad(notA("a rule is a gate line or an object", item, spot));
  const parts = {
    subject: parseSubject(textOf(item.subject), placeOfKey(item, "subject", spot)),
    op: readWord(item.op, OPERATORS, named("op", placeOfKey(item, "op", spot))),
    bound: parseBound(textOf(item.bound), placeOfKey(item, "bound", spot)),
    warn: readBoolean(item.warn ?? false, named("warn", spot.at("warn").where)),
    minimumN: optional(item.when, (value) => readWhen(value, spot.at("when").where)),
    ifMissing: optional(item["if-missing"], (value) =>
      readWord(value, GATE_FILE.ifMissing, named("if-missing", spot.at("if-missing").where)),
    ),
    ifNoChampion: optional(item["if-no-champion"], (value) =>
      readWord(value, GATE_FILE.ifNoChampion, named("if-no-champion", spot.at("if-no-champion").where)),
    ),
    confidence: optional(item.confidence, (value) => readConfidence(value, spot.at("confidence"))),
  };
  const rule = assemble(parts, spot.where);
  const unknown = unknownKeys(item, GATE_FILE.ruleKeys, spot);
  if (rule === undefined) return bad(...unknown, ...problemsOf(Object.values(parts)));
  const impossible = [...checkRule(rule, spot.where), ...checkConfidence(rule, placeOfKey(item, "confidence", spot))];
  return unknown.length + impossible.length > 0 ? bad(...unknown, ...impossible) : ok([rule]);
}

type Parts = {
  readonly subject: Checked<Subject>;
  readonly op: Checked<Operator>;
  readonly bound: Checked<Bound>;
  readonly warn: Checked<boolean>;
  readonly minimumN: Checked<number | undefined>;
  readonly ifMissing: Checked<IfMissing | undefined>;
  readonly ifNoChampion: Checked<IfNoChampion | undefined>;
  readonly confidence: Checked<Confidence | undefined>;
};

/** The rule, where every part is sound. */
function assemble(parts: Parts, where: Place): SingleRule | undefined {
  const { subject, op, bound, warn, minimumN, ifMissing, ifNoChampion, confidence } = parts;
  if (subject.state === "bad" || op.state === "bad" || bound.state === "bad" || warn.state === "bad") return undefined;
  if (minimumN.state === "bad" || ifMissing.state === "bad") return undefined;
  if (ifNoChampion.state === "bad" || confidence.state === "bad") return undefined;
  return {
    kind: "single",
    subject: subject.value,
    op: op.value,
    bound: bound.value,
    warn: warn.value,
    ...(minimumN.value === undefined ? {} : { minimumN: minimumN.value }),
    ...(ifMissing.value === undefined ? {} : { ifMissing: ifMissing.value }),
    ...(ifNoChampion.value === undefined ? {} : { ifNoChampion: ifNoChampion.value }),
    ...(confidence.value === undefined ? {} : { confidence: confidence.value }),
    where,
  };
}

/** What `confidence` can be computed for without per-example predictions: one proportion with its count against a number. */
function checkConfidence(rule: SingleRule, where: Place): readonly Problem[] {
  if (rule.confidence === undefined) return [];
  const allowed = "a metric that is a proportion with its count, against a number";
  if (rule.subject.kind !== "metric") return [{ rule: "`confidence` is of metrics only", where, allowed }];
  if (rule.op === "==") return [{ rule: "`confidence` needs a direction", where, saw: "==", allowed: ">= <= > <" }];
  if (!asksChampion(rule)) return [];
  const why =
    "`confidence` against the champion needs both models' answers example by example, which a run does not report";
  return [{ rule: why, where, allowed }];
}

function readConfidence(value: unknown, spot: Spot): Checked<Confidence> {
  if (!isRecord(value)) return readLevel(value, "pass", spot.where);
  const unknown = unknownKeys(value, GATE_FILE.confidenceKeys, spot);
  const proves = readWord(value.proves ?? "pass", GATE_FILE.proves, named("proves", spot.at("proves").where));
  if (unknown.length > 0 || proves.state === "bad") return bad(...unknown, ...problemsOf([proves]));
  return readLevel(value.level, proves.value, placeOfKey(value, "level", spot));
}

function readLevel(value: unknown, proves: Confidence["proves"], where: Place): Checked<Confidence> {
  const level = parseFraction(textOf(value));
  if (level !== undefined && level >= 0.5 && level < 1) return ok({ level, proves });
  const rule = "a confidence level is a share from 50 % to under 100 %";
  return bad({ rule, where, saw: textOf(value) || "nothing", allowed: "95%, 0.99" });
}

function readWhen(value: unknown, where: Place): Checked<number> {
  const n = /^n\s*>=\s*(\d{1,15})$/.exec(textOf(value).trim());
  if (n) return ok(Number(n[1]));
  return bad({ rule: "`when` asks for a number of examples", where, saw: textOf(value), allowed: "n >= INTEGER" });
}

type Named = { readonly key: string; readonly where: Place };

function named(key: string, where: Place): Named {
  return { key, where };
}

function readWord<const W extends string>(value: unknown, words: readonly W[], { key, where }: Named): Checked<W> {
  const saw = textOf(value);
  const word = words.find((one) => one === saw);
  if (word !== undefined) return ok(word);
  const rule = `\`${key}\` is one of a few words`;
  return bad({ rule, where, saw: saw || "nothing", allowed: words.join(", "), ...didYouMean(saw, words) });
}

function readBoolean(value: unknown, { key, where }: Named): Checked<boolean> {
  if (typeof value === "boolean") return ok(value);
  return bad({ rule: `\`${key}\` is true or false`, where, saw: textOf(value) });
}

function unknownKeys(item: Item, known: readonly string[], spot: Spot): readonly Problem[] {
  return Object.keys(item)
    .filter((key) => !known.includes(key))
    .map((key) => ({
      rule: "this key is not known",
      where: spot.at(key).where,
      saw: key,
      allowed: known.join(", "),
      ...didYouMean(key, known),
    }));
}

function didYouMean(saw: string, known: readonly string[]): Pick<Problem, "hint"> {
  const meant = saw === "" ? undefined : nearestName(saw, known);
  return meant === undefined ? {} : { hint: `did you mean ${meant}?` };
}

/** A key that is not there is missing from the object around it. */
function placeOfKey(item: Item, key: string, spot: Spot): Place {
  return key in item ? spot.at(key).where : spot.where;
}

function gather<T>(before: readonly Problem[], parts: readonly Checked<readonly T[]>[]): Checked<readonly T[]> {
  const problems = [...before, ...problemsOf(parts)];
  if (problems.length > 0) return bad(...problems);
  return ok(parts.flatMap((part) => (part.state === "ok" ? part.value : [])));
}

function problemsOf(parts: readonly Checked<unknown>[]): readonly Problem[] {
  return parts.flatMap((part) => (part.state === "bad" ? part.problems : []));
}

function optional<T>(value: unknown, read: (value: unknown) => Checked<T>): Checked<T | undefined> {
  return value === undefined ? ok(undefined) : read(value);
}

function notA(rule: string, value: unknown, spot: Spot): Problem {
  return {
    rule,
    where: spot.where,
    saw: value === undefined ? "nothing" : Array.isArray(value) ? "a list" : textOf(value),
  };
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

type Item = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Item {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
