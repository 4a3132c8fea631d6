import { formatProblem, type Problem } from "../domain/problem.ts";

/** What kind of failure it is; decides the exit code of the command line and whether a retry makes sense (only `UNAVAILABLE`). */
export type ErrorCode =
  | "INPUT"
  | "CONFIG"
  | "AUTH"
  | "NOT_FOUND"
  | "CONFLICT"
  | "UNAVAILABLE"
  | "TIMEOUT"
  | "PROTOCOL"
  | "REFUSED"
  | "INTEGRITY"
  | "STORAGE"
  | "CANCELLED"
  | "COMMAND"
  | "INTERNAL";

/** The one class of the project: a failure with its code and everything that is wrong, each with rule, place, seen, allowed, hint. */
export class ReleaseError extends Error {
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, problems: Problem | readonly Problem[], cause?: unknown) {
    const all = "rule" in problems ? [problems] : problems;
    super(`[${code}] ${all.map(formatProblem).join("\n")}`, cause === undefined ? undefined : { cause });
    this.name = "ReleaseError";
    this.code = code;
    this.problems = all;
  }
}

/** The code of an error of the system, `ENOENT`; undefined for what has none. */
export function systemCodeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : undefined;
}

/** Whether an unknown thrown value is ours with one of the codes (any of ours where none is named). */
export function isReleaseError(thrown: unknown, ...codes: readonly ErrorCode[]): thrown is ReleaseError {
  return thrown instanceof ReleaseError && (codes.length === 0 || codes.includes(thrown.code));
}
