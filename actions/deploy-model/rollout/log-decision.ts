import type { JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";
import { isSameVersion } from "../../shared/domain/rollout/same-version.ts";
import { actOf } from "../../shared/lib/act.ts";
import { appendEvent, history } from "../../shared/lib/model-registry/log.ts";
import type { DeployStep, Ports } from "../step.ts";

/** Writes what a rollout came to into the model's log: once, also where a process was killed right after it had done so. */
export async function logDecision(
  step: DeployStep,
  store: Ports["store"],
  { entry, event }: { readonly entry: JournalEntry; readonly event: "promoted" | "rolled-back" },
): Promise<void> {
  const { name, version, digest } = entry.candidate;
  const startedAt = new Date(entry.startedAtMs).toISOString();
  const events = await history(store, name);
  const isLogged = events.some(
    (one) =>
      one.event === event &&
      isSameVersion(one, entry.candidate) &&
      one.target === entry.target &&
      one.act.at >= startedAt,
  );
  if (isLogged) return;
  await appendEvent(store, name, {
    schema: 1,
    event,
    version,
    digest,
    target: entry.target,
    ...(event === "promoted" || entry.reason === undefined ? {} : { reason: entry.reason }),
    act: actOf(step),
  });
}
