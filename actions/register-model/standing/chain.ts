import type { Digest } from "../../shared/domain/digest.ts";
import { isPassed } from "../../shared/domain/gate/record.ts";
import type { Problem } from "../../shared/domain/problem.ts";
import type { Gate, Release } from "../../shared/domain/release.ts";
import { ReleaseError } from "../../shared/lib/error.ts";

/** What the verdict in the record means for a model with this digest, taken from the run or given as files. */
export type Standing =
  /** Nobody judged it (yet). */
  | { readonly state: "unjudged" }
  | { readonly state: "passed"; readonly gate: Gate }
  /** Failed, or without enough data to judge: it may be kept, and never gets an alias. */
  | { readonly state: "failed"; readonly gate: Gate }
  /** The verdict is on something else than what is to be registered. */
  | { readonly state: "broken"; readonly problems: readonly Problem[] };

export type SoundStanding = Exclude<Standing, { state: "broken" }>;

export type Subject = {
  /** Whether the files are the model artifact of the record's run. */
  readonly source: "run" | "files";
  /** Unknown until the files are read. */
  readonly digest?: Digest;
};

/** Follows run, artifact, digest and verdict of the record to the model: each that is known on both sides must be the same. */
export function judgeStanding({ run, gate }: Release, { source, digest }: Subject): Standing {
  const artifact = run?.model === undefined ? undefined : `${run.model.task}.${run.model.output}`;
  const links = [
    source === "run" ? link("the run's model artifact", run?.model?.digest, digest) : undefined,
    link("the model that the verdict is on", gate?.subject.digest, digest),
    link("the run that the verdict is on", gate?.subject.runId, run?.id),
    link("the artifact that the verdict is on", gate?.subject.artifact, artifact),
  ];
  const problems = links.filter((problem) => problem !== undefined);
  if (problems.length > 0) return { state: "broken", problems };
  // Files of unknown origin: a verdict that names no digest says nothing about them.
  if (gate === undefined || (source === "files" && gate.subject.digest === undefined)) return { state: "unjudged" };
  return { state: isPassed(gate) ? "passed" : "failed", gate };
}

/** The standing, unless run, verdict and model do not belong together: throws `INTEGRITY`. */
export function checkChain(standing: Standing): SoundStanding {
  if (standing.state === "broken") throw new ReleaseError("INTEGRITY", standing.problems);
  return standing;
}

function link(what: string, recorded: string | undefined, found: string | undefined): Problem | undefined {
  if (recorded === undefined || found === undefined || recorded === found) return undefined;
  return {
    rule: `${what} must be what is registered`,
    saw: found,
    allowed: recorded,
    hint: "something was changed between the run, its verdict and this step: run the release again from the run on",
  };
}
