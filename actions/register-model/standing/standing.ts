import { isPassed } from "../../shared/domain/gate/record.ts";
import type { VersionRecord } from "../../shared/domain/model-version.ts";
import { outlivesJob } from "../../shared/lib/outlives-job.ts";
import type { Outcome } from "../outcome.ts";
import { type Request, sayChoice } from "../request.ts";
import type { Ports, RegisterStep } from "../step.ts";
import { judgeStanding, type SoundStanding } from "./chain.ts";

/** What `on-failed-gate: stop` comes to, where the verdict of the record is no pass. */
export function stopped(
  { inputs, release, job }: RegisterStep,
  { store }: Ports,
  { name, choice }: Request,
): Outcome | undefined {
  const standing = judgeStanding(release, { source: inputs.model === undefined ? "run" : "files" });
  if (inputs["on-failed-gate"] !== "stop" || standing.state !== "failed") return undefined;
  const { verdict, rules } = standing.gate;
  const failedRules = rules.filter(({ state }) => state === "fail" || state === "no-data").map(({ rule }) => rule);
  return {
    state: "stopped",
    rehearsal: !outlivesJob(job, store),
    name,
    version: sayChoice(choice),
    verdict,
    failedRules,
  };
}

/** The verdict of this release, else the one that the version was registered with. */
export function keepStanding(standing: SoundStanding, { gate }: VersionRecord): SoundStanding {
  if (standing.state !== "unjudged" || gate === undefined) return standing;
  return { state: isPassed(gate) ? "passed" : "failed", gate };
}
