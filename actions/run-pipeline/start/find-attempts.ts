import { type RunIdentity, runIdentity } from "../../shared/domain/run/identity.ts";
import { uuidV5 } from "../../shared/lib/hash.ts";
import type { PipelineEngine } from "../../shared/ports/pipeline-engine.ts";
import type { Attempt } from "./decide-run.ts";

/** All attempts that the engine knows, in order, and the next one, which it does not. */
export async function findAttempts(
  engine: PipelineEngine,
  identity: Omit<RunIdentity, "attempt">,
  namespace: string,
): Promise<readonly Attempt[]> {
  const attempts: Attempt[] = [];
  for (let attempt = 1; ; attempt++) {
    const runId = uuidV5(namespace, runIdentity({ ...identity, attempt }));
    const known = await engine.state(runId);
    attempts.push({ attempt, runId, ...(known === undefined ? {} : { known }) });
    if (known === undefined) return attempts;
  }
}
