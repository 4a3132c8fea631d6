import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import { SERVICE } from "./connection.ts";
import { isOverState } from "./run-status.ts";
import type { RunWatch } from "./run-watch.ts";
import { getRun, retryRun } from "./runs.ts";
import type { Server } from "./server.ts";

const SETTLE_MS = 30_000;
const LOOK_MS = 1_000;

/** Has a run that ended go on. Throws `CONFLICT` where the server cannot: `state` then says that it can not be retried. */
export async function retryAgain(of: {
  readonly server: Server;
  readonly clock: Clock;
  readonly runId: string;
  readonly watch: RunWatch;
}): Promise<void> {
  const { server, clock, runId, watch } = of;
  const asked = await retryRun(server, runId);
  if (asked.state === "done") return watch.restarted();
  if (await goesOn(server, runId, { clock, ms: asked.state === "lost" ? SETTLE_MS : 0 })) return watch.restarted();
  if (asked.state === "lost") throw asked.error;
  watch.refusedRetry();
  throw new ReleaseError("CONFLICT", {
    rule: `${SERVICE} cannot go on with run ${runId}`,
    saw: asked.why,
    hint: "run the step again: it starts the next attempt",
  });
}

/** An answer may be lost, and somebody else may have asked before. */
async function goesOn(
  server: Server,
  runId: string,
  { clock, ms }: { readonly clock: Clock; readonly ms: number },
): Promise<boolean> {
  const until = clock.now() + ms;
  for (;;) {
    try {
      const run = await getRun(server, runId, { attempts: 1 });
      if (run !== undefined && !isOverState(run.state)) return true;
    } catch (error) {
      if (!isReleaseError(error, "UNAVAILABLE")) throw error;
    }
    if (clock.now() >= until) return false;
    await clock.sleep(LOOK_MS);
  }
}
