import { formatPlace, formatProblem, type Problem } from "../domain/problem.ts";
import { type Conclusion, code, type Finding, type Report, type Section, type Text, text } from "../domain/report.ts";
import { isReleaseError, ReleaseError } from "../lib/error.ts";

/** An error as what people are told: a red step with the rule, the place, what was seen and what to do. */
export function concludeError(thrown: unknown): Conclusion {
  return { report: errorReport(asReleaseError(thrown)), outputs: {}, succeeded: false };
}

/** What we did not expect is our bug, and says so. */
export function asReleaseError(thrown: unknown): ReleaseError {
  if (isReleaseError(thrown)) return thrown;
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new ReleaseError(
    "INTERNAL",
    {
      rule: "this action failed in a way that it does not know",
      saw: message,
      hint: "this is a bug of the action: report it with the log of a run with debug logging",
    },
    thrown,
  );
}

/** The causes of an error, outermost first; the error itself is not among them. */
export function causeChain(error: Error): readonly string[] {
  const causes: string[] = [];
  for (let cause = error.cause; cause !== undefined && causes.length < 10; ) {
    causes.push(cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}

function errorReport(error: ReleaseError): Report {
  const [first, ...more] = error.problems;
  const findings = error.problems.map(finding);
  const summary = first === undefined ? error.message : sentence(first);
  if (more.length === 0)
    return {
      tone: tone(error),
      headline: text`${code(error.code)} ${marked(summary)}`,
      lead: first?.hint === undefined || first.hint.includes("\n") ? [] : [marked(`What to do: ${first.hint}`)],
      sections: first?.hint?.includes("\n") ? [output(first.hint)] : [],
      findings,
    };
  return {
    tone: tone(error),
    headline: text`${code(error.code)} ${error.problems.length} things are wrong, all of them listed here`,
    lead: [],
    sections: [problemTable(error.problems)],
    findings,
  };
}

/** Messages mark names with backticks, as the log shows them; here they become code. */
function marked(message: string): Text {
  return message.split(/`([^`]+)`/).flatMap((part, i) => (part === "" ? [] : [i % 2 === 1 ? code(part) : part]));
}

function tone(error: ReleaseError): Report["tone"] {
  return error.code === "CANCELLED" ? "undone" : "bad";
}

/** Rule, place, seen and allowed; the hint stands below. */
function sentence({ hint: _, ...problem }: Problem): string {
  return formatProblem(problem);
}

function finding(problem: Problem): Finding {
  return {
    level: "error",
    message: formatProblem(problem),
    ...(problem.where === undefined ? {} : { where: problem.where }),
  };
}

/** The end of a program's own output, as it came. */
function output(hint: string): Section {
  return { title: "Output", priority: 2, blocks: [{ kind: "code", text: hint }] };
}

function problemTable(problems: readonly Problem[]): Section {
  const columns = ["where", "rule", "seen", "allowed", "what to do"].map((title) => ({ title }));
  const rows = problems.map(({ rule, where, saw, allowed, hint }) => [
    code(formatPlace(where)),
    marked(rule),
    saw ?? "",
    allowed ?? "",
    marked(hint ?? ""),
  ]);
  return { priority: 1, blocks: [{ kind: "table", columns, rows }] };
}
