/** Where something is wrong: an input by name, a file of the workspace, a line in it (from 1). */
export type Place = {
  readonly input?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
};

/** What is wrong, in the four parts of every error: the rule, where, what was seen against what is allowed, what to do. */
export type Problem = {
  readonly rule: string;
  readonly where?: Place;
  readonly saw?: string;
  readonly allowed?: string;
  readonly hint?: string;
};

/** The value, or everything that is wrong with it. Pure code returns this where a front end would throw. */
export type Checked<T> =
  | { readonly state: "ok"; readonly value: T }
  | { readonly state: "bad"; readonly problems: readonly Problem[] };

export function ok<T>(value: T): Checked<T> {
  return { state: "ok", value };
}

export function bad(...problems: readonly Problem[]): { readonly state: "bad"; readonly problems: readonly Problem[] } {
  return { state: "bad", problems };
}

/** `gates.txt:4`, `input steps`, or "" where nothing is known. */
export function formatPlace(where: Place | undefined): string {
  if (!where) return "";
  const line = where.line === undefined ? "" : `:${where.line}${where.column === undefined ? "" : `:${where.column}`}`;
  if (where.file !== undefined) return `${where.file}${line}`;
  return where.input === undefined ? "" : `input ${where.input}${line && ` line ${line.slice(1)}`}`;
}

/** One line: rule, place, seen against allowed, hint. */
export function formatProblem(problem: Problem): string {
  const place = formatPlace(problem.where);
  const seen = [
    problem.saw === undefined ? "" : `saw ${problem.saw}`,
    problem.allowed === undefined ? "" : `allowed: ${problem.allowed}`,
  ].filter(Boolean);
  return [
    place ? `${place}: ` : "",
    problem.rule,
    seen.length > 0 ? ` (${seen.join("; ")})` : "",
    problem.hint === undefined ? "" : `; ${problem.hint}`,
  ].join("");
}
