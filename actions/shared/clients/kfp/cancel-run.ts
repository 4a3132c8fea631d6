import type { RunTask } from "../../domain/run/task.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { Send } from "../../lib/http.ts";
import type { Clock } from "../../ports/clock.ts";
import { connectKfp, SERVICE } from "./connection.ts";
import { readEndpoint } from "./endpoint.ts";
import { isOverState } from "./run-status.ts";
import type { RunWatch } from "./run-watch.ts";
import { type ActOnRun, getRun, type KfpRun, terminateRun } from "./runs.ts";
import type { Server } from "./server.ts";

/** A step that is cancelled has 5 s for its one safe act. */
const BUDGET_MS = 4_500;
const LOOK_MS = 300;
/** Of one request, that a silent one leaves time for another. */
const REQUEST_MS = 1_500;

export type CancelPorts = {
  readonly send: Send;
  readonly endpoint: string;
  readonly clock: Clock;
  /** Where the server was found before. */
  readonly server: Promise<Server> | undefined;
  readonly watch: () => Promise<RunWatch>;
};

/** Ends a run, first of all; then sees that it ends, as long as there is time. Answers in sentences what was done, and what still runs. */
export async function cancelRun(ports: CancelPorts, runId: string): Promise<readonly string[]> {
  const until = ports.clock.now() + BUDGET_MS;
  const { connection, asked } = await terminate(ports, runId);
  const watch = await ports.watch().catch(() => undefined);
  if (asked.state === "done" || asked.state === "lost") watch?.ended();
  const run = await waitForEnd(connection, runId, { clock: ports.clock, until });
  if (run === undefined && asked.state === "refused") return [`${SERVICE} knows no run ${runId}: nothing was running`];
  if (run === "unknown" || run === undefined) return unseen(runId, asked);
  if (isOverState(run.state)) return [overSentence(run, asked), ...(await survivors(watch, runId, "now"))];
  if (asked.state === "lost") throw asked.error;
  // a run that goes on although it was refused to end it
  if (asked.state === "refused" && run.state !== "CANCELING")
    throw new ReleaseError("CONFLICT", {
      rule: `${SERVICE} did not end the run ${runId}`,
      saw: `${run.state}: ${asked.why}`,
      hint: "end it on its page",
    });
  return [
    `asked ${SERVICE} to end run ${runId}: it is ${run.state ?? "without a state"} after ${BUDGET_MS / 1_000} s`,
    ...(await survivors(watch, runId, "lately")),
  ];
}

type Plain = Parameters<typeof getRun>[0];

async function terminate(
  { send, endpoint, clock, server }: CancelPorts,
  runId: string,
): Promise<{ readonly connection: Plain; readonly asked: ActOnRun }> {
  const known = await server?.catch(() => undefined);
  const candidates: readonly Plain[] =
    known === undefined
      ? readEndpoint(endpoint).bases.map((base) => ({ ...connectKfp({ base, send, clock }), native: false }))
      : [known];
  let last: { readonly connection: Plain; readonly asked: ActOnRun } | undefined;
  for (const connection of candidates) {
    const asked = await terminateOnce(connection, runId);
    last = { connection, asked };
    // what speaks of the run is the server; a page, or a word about the route, comes from somebody before it
    const isServer = asked.state === "refused" ? asked.why.includes(runId) : !isPage(asked);
    if (isServer) return last;
  }
  if (last === undefined) throw new RangeError("an address has a base");
  return last;
}

function isPage(asked: ActOnRun): boolean {
  return asked.state === "lost" && isReleaseError(asked.error, "PROTOCOL");
}

/** A second request settles what the first came to: refused then, it was done by the first. */
async function terminateOnce(connection: Plain, runId: string): Promise<ActOnRun> {
  const patience = { attempts: 1, timeoutMs: REQUEST_MS };
  const first = await terminateRun(connection, runId, patience);
  if (first.state !== "lost" || isPage(first)) return first;
  const second = await terminateRun(connection, runId, patience);
  return second.state === "refused" && second.why.includes(runId) ? { state: "done" } : second;
}

/** Undefined where the server does not know it; `unknown` where it did not answer. */
async function waitForEnd(
  connection: Plain,
  runId: string,
  { clock, until }: { readonly clock: Clock; readonly until: number },
): Promise<KfpRun | undefined | "unknown"> {
  let last: KfpRun | undefined | "unknown" = "unknown";
  for (;;) {
    try {
      last = await getRun(connection, runId, { attempts: 1, timeoutMs: REQUEST_MS });
      if (last === undefined || isOverState(last.state)) return last;
    } catch (error) {
      if (!isReleaseError(error, "UNAVAILABLE", "PROTOCOL")) throw error;
    }
    if (clock.now() + LOOK_MS >= until) return last;
    await clock.sleep(LOOK_MS);
  }
}

function unseen(runId: string, asked: ActOnRun): readonly string[] {
  if (asked.state === "lost") throw asked.error;
  return [`asked ${SERVICE} to end run ${runId}; whether it has ended could not be seen`];
}

function overSentence(run: KfpRun, asked: ActOnRun): string {
  return asked.state === "refused"
    ? `run ${run.run_id} had ended already: ${run.state}`
    : `ended run ${run.run_id}: ${run.state}`;
}

/** Pods may outlive their run: of one that is over only what runs now counts. */
async function survivors(
  watch: RunWatch | undefined,
  runId: string,
  when: "now" | "lately",
): Promise<readonly string[]> {
  const seen = await watch?.lastPods().catch(() => undefined);
  if (seen === undefined || (when === "now" && !seen.isFresh)) return [];
  const running = seen.tasks.filter(({ state }) => state === "running");
  if (running.length === 0) return [];
  return [`still running at the last look: ${running.map(nameOf).join(", ")} (label pipeline/runid=${runId})`];
}

function nameOf({ path, pod }: RunTask): string {
  return pod === undefined ? path : `${path} (pod ${pod})`;
}
