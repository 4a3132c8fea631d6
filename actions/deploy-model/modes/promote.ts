import type { JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";
import { actOf } from "../../shared/lib/act.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import { carryOn } from "../deploy.ts";
import type { Outcome } from "../outcome.ts";
import { prepare } from "../prepare/prepare.ts";
import type { DeployStep, Ports } from "../step.ts";
import { promotionRefusal } from "./may-promote.ts";

/**
 * By hand: a rollout that was held is carried to its end. Its version comes up again, passes its smoke test again, gets everything and is
 * watched through the bake like any other rollout: an alarm still takes it back.
 */
export async function promote(step: DeployStep, ports: Ports): Promise<Outcome> {
  const prepared = await prepare(step, ports);
  const entry = await prepared.target.journal.read();
  const refusal = promotionRefusal({ ...prepared, entry });
  if (entry === undefined || refusal !== undefined) throw new ReleaseError("REFUSED", refusal ?? []);
  const { by, at } = actOf(step);
  step.log.info(`${by} carries the rollout of ${entry.candidate.version} on, which was held: ${entry.reason}`);
  return carryOn(step, ports, { prepared, entry: carried(entry, { by, atMs: Date.parse(at) }) });
}

/** All that was seen stays as evidence. */
function carried(entry: JournalEntry, who: { readonly by: string; readonly atMs: number }): JournalEntry {
  const { decision: _, reason = "", endedAtMs: __, ...rest } = entry;
  return { ...rest, phase: "promoting", share: 1, sinceMs: who.atMs, carriedOn: { ...who, held: reason } };
}
