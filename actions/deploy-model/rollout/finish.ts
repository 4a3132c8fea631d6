import type { JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";
import { isSameVersion } from "../../shared/domain/rollout/same-version.ts";
import { actOf } from "../../shared/lib/act.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import { findAlias, moveAlias } from "../../shared/lib/model-registry/aliases.ts";
import type { Target } from "../../shared/ports/target.ts";
import type { DeployStep, Ports } from "../step.ts";
import { logDecision } from "./log-decision.ts";

type Place = { readonly target: Target; readonly store: Ports["store"] };

/** A promotion that is decided: the candidate becomes stable, `champion` follows it, the log says so. Each part is done once, also by a re-run. */
export async function finish(step: DeployStep, { target, store }: Place, entry: JournalEntry): Promise<JournalEntry> {
  const recording: JournalEntry = { ...entry, phase: "recording", share: 1, decision: "promoted" };
  await target.journal.write(recording);
  await target.serving.promote();
  const { name, version } = entry.candidate;
  await target.events?.({ reason: "Promoted", note: `${name} ${version} serves everything` });
  await moveChampion(step, store, entry);
  await logDecision(step, store, { entry, event: "promoted" });
  const ended: JournalEntry = { ...recording, phase: "ended", endedAtMs: step.clock.now() };
  await target.journal.write(ended);
  return ended;
}

async function moveChampion(
  step: DeployStep,
  store: Ports["store"],
  { candidate, stable }: JournalEntry,
): Promise<void> {
  const champion = await findAlias(store, candidate.name, "champion");
  const isExpected = champion === undefined || isSameVersion(champion, stable) || isSameVersion(champion, candidate);
  const moved = isExpected
    ? await moveAlias(store, {
        name: candidate.name,
        alias: "champion",
        to: { version: candidate.version, digest: candidate.digest },
        expected: champion?.etag,
        act: actOf(step),
      })
    : { state: "lost" as const };
  if (moved.state !== "lost") return;
  throw new ReleaseError("CONFLICT", {
    rule: "champion was moved by somebody else during the rollout",
    saw: champion?.version ?? "another version",
    allowed: stable?.version ?? "no champion",
    hint: `${candidate.version} serves and is not the champion: see the model's log, then deploy the version that is meant`,
  });
}
