import type { JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";
import type { TrafficPlan } from "../../shared/domain/rollout/traffic-plan.ts";
import type { TrafficMemory } from "../../shared/domain/traffic/memory.ts";
import type { Target } from "../../shared/ports/target.ts";
import type { Traffic } from "../../shared/ports/traffic.ts";
import type { DeployStep, Ports } from "../step.ts";

/** A rollout that is under way, with all that it works on. */
export type Rolling = {
  readonly step: DeployStep;
  readonly store: Ports["store"];
  readonly target: Target;
  readonly traffic: Traffic;
  readonly plan: TrafficPlan;
  /** What a metrics server had counted when a process before this one was killed; the traffic goes on from there. */
  readonly memory?: TrafficMemory | undefined;
  /** The candidate had to be started again: what was proved for it is void. */
  readonly restarted: boolean;
};

/** How long the splitter keeps a share that nobody confirms: three looks, and never so short that a busy machine misses it. */
export function holdMs({ rollout }: TrafficPlan): number {
  return Math.max(30_000, 3 * rollout.lookMs);
}

/** Writes what is about to be done, then does it: never the other way round. After a signal it does neither. */
export async function enter(rolling: Rolling, entry: JournalEntry): Promise<void> {
  await note(rolling, entry);
  await rolling.target.serving.split(entry.share, holdMs(rolling.plan));
}

export async function note({ step, target }: Rolling, entry: JournalEntry): Promise<void> {
  step.signal.throwIfAborted();
  await target.journal.write(entry);
}
