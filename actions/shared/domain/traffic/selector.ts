import { nearestName } from "../nearest.ts";
import { bad, type Checked, ok, type Problem } from "../problem.ts";

/** What metrics call one arm of a rollout; the names that a query may put between `{{` and `}}`. */
export type MetricNames = {
  readonly namespace: string;
  readonly workload: string;
  readonly service: string;
  readonly revision?: string;
  /** A regular expression (RE2). */
  readonly pods: string;
};

export type Matcher = { readonly label: string; readonly op: "=" | "!=" | "=~" | "!~"; readonly value: string };

/** Series of a metric: `http_requests_total{pod=~"digits-.*"}`. Without a metric the name is among the matchers. */
export type Selector = { readonly metric: string; readonly matchers: readonly Matcher[] };

const METRIC = /^[a-zA-Z_:][\w:]*/;
const LABEL = /^[a-zA-Z_]\w*/;

/** Reads a selector. Whatever else PromQL has is refused: counters are subtracted series by series, and summed, by us. */
export function parseSelector(text: string): Checked<Selector> {
  const source = text.trim();
  const metric = METRIC.exec(source)?.[0] ?? "";
  const rest = source.slice(metric.length).trim();
  if (rest === "" && metric !== "") return ok({ metric, matchers: [] });
  if (!rest.startsWith("{") || !rest.endsWith("}")) return bad(noSelector(source));
  const matchers = readMatchers(rest.slice(1, -1));
  if (matchers === undefined || (metric === "" && !matchers.some(isName))) return bad(noSelector(source));
  return ok({ metric, matchers });
}

export function formatSelector({ metric, matchers }: Selector): string {
  const written = matchers.map(({ label, op, value }) => `${formatLabel(label)}${op}${quote(value)}`);
  return written.length === 0 ? metric : `${metric}{${written.join(", ")}}`;
}

/** A literal as PromQL reads it. */
export function quote(text: string): string {
  return JSON.stringify(text);
}

/** The same text as a regular expression of RE2 that matches nothing else. */
export function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

const PLACEHOLDERS = ["namespace", "workload", "service", "revision", "pods"] as const;

/** The names of an arm in place of `{{…}}`. Within a regular expression a name matches itself only. */
export function fillNames(selector: Selector, names: MetricNames): Checked<Selector> {
  const problems: Problem[] = [];
  const matchers = selector.matchers.map((matcher) => {
    const value = matcher.value.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => {
      const filled = fill(name, matcher, names);
      if (typeof filled === "string") return filled;
      problems.push(filled);
      return "";
    });
    return { ...matcher, value };
  });
  return problems.length > 0 ? bad(...problems) : ok({ ...selector, matchers });
}

function fill(name: string, { label, op }: Matcher, names: MetricNames): string | Problem {
  const isPattern = op === "=~" || op === "!~";
  const known = PLACEHOLDERS.find((one) => one === name);
  const where = `{{${name}}} of the label ${label}`;
  if (known === undefined) {
    const nearest = nearestName(name, PLACEHOLDERS);
    return {
      rule: `${where} is not known`,
      allowed: PLACEHOLDERS.join(", "),
      ...(nearest === undefined ? {} : { hint: `did you mean {{${nearest}}}?` }),
    };
  }
  const value = names[known];
  if (value === undefined)
    return { rule: `${where} has no value at this target`, hint: "only Knative has revisions: use another name" };
  if (known === "pods")
    return isPattern ? value : { rule: `${where} is a regular expression`, saw: op, allowed: "=~ or !~" };
  return isPattern ? literally(value) : value;
}

function noSelector(saw: string): Problem {
  const hint = /\b(rate|irate|increase|delta)\s*\(/.test(saw)
    ? "give the counter itself: what came between two looks is subtracted here, series by series, restarts included"
    : saw.includes("(")
      ? "give the counter itself: its series are added up here"
      : 'write it as metric{label="value"}';
  return {
    rule: "must select the series of a counter",
    saw: saw.length > 120 ? `${saw.slice(0, 119)}…` : saw,
    allowed: 'such as http_requests_total{pod=~"{{pods}}"}',
    hint,
  };
}

const isName = ({ label, op }: Matcher) => label === "__name__" && (op === "=" || op === "=~");

/** Undefined where it is no list of matchers. */
function readMatchers(list: string): readonly Matcher[] | undefined {
  const matchers: Matcher[] = [];
  let rest = list.trim();
  while (rest !== "") {
    const read = readMatcher(rest);
    if (read === undefined) return undefined;
    matchers.push(read.matcher);
    rest = read.rest.trim();
    if (rest === "") break;
    if (!rest.startsWith(",")) return undefined;
    rest = rest.slice(1).trim();
  }
  return matchers;
}

function readMatcher(text: string): { readonly matcher: Matcher; readonly rest: string } | undefined {
  const quoted = readString(text);
  const label = quoted?.value ?? LABEL.exec(text)?.[0];
  if (label === undefined) return undefined;
  const after = (quoted?.rest ?? text.slice(label.length)).trim();
  const op = /^(=~|!~|!=|=)/.exec(after)?.[0] as Matcher["op"] | undefined;
  // a name in quotes that is compared with nothing is the metric's
  if (op === undefined)
    return quoted === undefined ? undefined : { matcher: { label: "__name__", op: "=", value: label }, rest: after };
  const value = readString(after.slice(op.length).trim());
  return value === undefined ? undefined : { matcher: { label, op, value: value.value }, rest: value.rest };
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

function readString(text: string): { readonly value: string; readonly rest: string } | undefined {
  const raw = /^`([^`]*)`/.exec(text);
  if (raw !== null) return { value: raw[1] ?? "", rest: text.slice(raw[0].length) };
  const match = /^"((?:[^"\\\n]|\\.)*)"/.exec(text) ?? /^'((?:[^'\\\n]|\\.)*)'/.exec(text);
  if (match === null) return undefined;
  const value = (match[1] ?? "").replaceAll(/\\(.)/g, (_, char: string) => ESCAPES[char] ?? char);
  return { value, rest: text.slice(match[0].length) };
}

function formatLabel(label: string): string {
  return LABEL.exec(label)?.[0] === label ? label : quote(label);
}
