import type { Publication, Publications } from "../shared/domain/publication.ts";
import type { JournalEntry } from "../shared/domain/rollout/journal-entry.ts";
import { isSameVersion } from "../shared/domain/rollout/same-version.ts";
import { actOf } from "../shared/lib/act.ts";
import { allUntold, publishVersion } from "../shared/lib/model-registry/publish.ts";
import { findVersion } from "../shared/lib/model-registry/versions.ts";
import { outlivesJob } from "../shared/lib/outlives-job.ts";
import type { CatalogDeployment } from "../shared/ports/model-catalog.ts";
import type { Outcome } from "./outcome.ts";
import type { DeployStep, Ports } from "./step.ts";

/**
 * Tells other catalogs what a rollout came to, and where the aliases are now. Undefined where there is nobody or nothing to tell. A store or
 * a journal that is away now takes nothing from what the rollout came to.
 */
export async function tellCatalogs(
  step: DeployStep,
  ports: Ports,
  outcome: Outcome,
): Promise<Publications | undefined> {
  const { catalogs } = ports;
  const { signal, inputs } = step;
  if (catalogs.length === 0) return undefined;
  const told = await tell(step, ports, outcome).catch((error: unknown) => allUntold({ catalogs, signal }, error));
  return told && { publications: told, onPublishFailure: inputs["on-publish-failure"] };
}

async function tell(
  step: DeployStep,
  { store, catalogs, open }: Ports,
  outcome: Outcome,
): Promise<readonly Publication[] | undefined> {
  const entry = await endedRollout(outcome, open);
  const record = entry && (await findVersion(store, entry.candidate.name, entry.candidate.version));
  if (entry === undefined || record === undefined) return undefined;
  const { job, log, signal } = step;
  const deployment = outcome.rehearsal ? undefined : deploymentOf(step, entry);
  return publishVersion(store, {
    catalogs,
    record,
    act: actOf(step),
    log,
    signal,
    rehearsal: !outlivesJob(job, store),
    ...(deployment === undefined ? {} : { deployment }),
  });
}

/** The one of this step; where it found nothing to do the last one, which an earlier attempt may not have told of. */
async function endedRollout(outcome: Outcome, open: Ports["open"]): Promise<JournalEntry | undefined> {
  switch (outcome.state) {
    case "ended":
    case "lowered":
      return outcome.entry;
    case "unchanged": {
      const target = await open({ name: outcome.model.name });
      const last = await target.journal.read();
      return last?.phase === "ended" && isSameVersion(last.candidate, outcome.model) ? last : undefined;
    }
    default:
      return undefined;
  }
}

function deploymentOf({ job }: DeployStep, entry: JournalEntry): CatalogDeployment | undefined {
  const { candidate, target, rollout, decision, startedAtMs, endedAtMs } = entry;
  if (decision === undefined) return undefined;
  return {
    ...candidate,
    target,
    environment: `${target} of ${job.github.repository}`,
    decision,
    // a release that is run again after a rollback rolls out anew
    rollout: `${rollout} ${new Date(startedAtMs).toISOString()}`,
    at: new Date(endedAtMs ?? startedAtMs).toISOString(),
  };
}
