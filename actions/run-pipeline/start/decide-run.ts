import type { RunState } from "../../shared/domain/release.ts";

/** A run of this release, package, parameters and data: the engine knows it, or not. */
export type Attempt = {
  readonly attempt: number;
  readonly runId: string;
  readonly known?: { readonly state: RunState; readonly canRetry: boolean };
};

/** What is done next. `submit` starts a run that the engine has never heard of, `retry` one that has ended, which keeps what has finished. */
export type RunDecision = {
  readonly do: "submit" | "retry" | "adopt";
  readonly attempt: number;
  readonly runId: string;
  readonly why: string;
};

/**
 * Decides by what the engine has. `attempts` are all that it knows, in order, and the next one, which it does not. A live or succeeded run
 * is adopted; one that failed or was ended is tried again, by the engine's own retry where it can, else as the next attempt.
 */
export function decideRun(attempts: readonly Attempt[], onFailed: "retry" | "adopt"): RunDecision {
  const next = attempts.at(-1);
  const last = attempts.at(-2);
  if (next === undefined) throw new RangeError("there is always a next attempt");
  if (last?.known === undefined)
    return { do: "submit", attempt: next.attempt, runId: next.runId, why: "this release has no such run yet" };
  const { state, canRetry } = last.known;
  const own = { attempt: last.attempt, runId: last.runId };
  switch (state) {
    case "succeeded":
      return { do: "adopt", ...own, why: "it has succeeded before" };
    case "pending":
    case "running":
      return { do: "adopt", ...own, why: `it is ${state}` };
    case "failed":
      if (onFailed === "adopt") return { do: "adopt", ...own, why: "it has failed before, and on-failed is adopt" };
      return again("it has failed before");
    case "cancelled":
      return again("it was cancelled before");
    case "lost":
      return again("it was lost before");
  }

  function again(why: string): RunDecision {
    if (canRetry) return { do: "retry", ...own, why: `${why}; tasks that have finished are kept` };
    return {
      do: "submit",
      attempt: next?.attempt ?? 0,
      runId: next?.runId ?? "",
      why: `${why}; the engine cannot retry it`,
    };
  }
}
