import { ReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import { SERVICE } from "./connection.ts";
import { isOverState } from "./run-status.ts";
import type { RunWatch } from "./run-watch.ts";
import { awaitRun, retryRun } from "./runs.ts";
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
  // an answer may be lost, and somebody else may have asked before
  const running = await awaitRun(server, runId, {
    clock,
    ms: asked.state === "lost" ? SETTLE_MS : 0,
    everyMs: LOOK_MS,
    is: ({ state }) => !isOverState(state),
  });
  if (running !== undefined) return watch.restarted();
  if (asked.state === "lost") throw asked.error;
  watch.refusedRetry();
  throw new ReleaseError("CONFLICT", {
    rule: `${SERVICE} cannot go on with run ${runId}`,
    saw: asked.why,
    hint: "run the step again: it starts the next attempt",
  });
}
