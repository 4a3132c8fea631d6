import type { JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";
import type { Prepared } from "../prepare/prepare.ts";
import type { DeployStep } from "../step.ts";

/** Where a rollout begins: nothing is up yet. */
export function newEntry(
  step: DeployStep,
  { target, candidate, stable, plan, rollout, strategy, pods }: Prepared,
): JournalEntry {
  const now = step.clock.now();
  return {
    schema: 1,
    rollout,
    target: target.address,
    release: step.release.id,
    commit: step.release.source.commit,
    by: step.job.github.actor || step.release.source.actor,
    startedAtMs: now,
    candidate,
    ...(stable === undefined ? {} : { stable }),
    ...(strategy === "canary" ? {} : { strategy }),
    ...(step.inputs.capacity === "borrow" ? { borrow: pods === undefined ? {} : { pods } } : {}),
    plan,
    phase: "staging",
    step: 0,
    share: 0,
    sinceMs: now,
    looks: [],
  };
}
