import * as v from "valibot";
import { canonicalJson, type Json } from "../shared/domain/canonical.ts";
import { formatDuration } from "../shared/domain/quantity.ts";
import { poll } from "../shared/lib/poll.ts";
import type { Ports, RunStep } from "./step.ts";

/** A marker whose run the engine does not know after this time was left by a job that died before it could submit. */
const TAKEOVER_MS = 120_000;
const LOOK_MS = 1_000;

export type Claim = { readonly runId: string; readonly attempt: number };

const MarkerSchema = v.looseObject({ at: v.pipe(v.string(), v.isoTimestamp()) });

/**
 * Keeps two jobs from submitting one run: only who writes the marker may. `known`: somebody else was first, and the engine has heard of the
 * run by now. Waits for a job that is about to submit; takes over from one that never did.
 */
export async function claimRun(step: RunStep, { store, engine }: Ports, claim: Claim): Promise<"ours" | "known"> {
  const { clock, log, release, signal } = step;
  const key = `releases/${release.id}/runs/${claim.runId}.json`;
  const marker = (): Uint8Array => Buffer.from(canonicalJson(markerOf(step, claim)));
  if ((await store.create(key, marker())).state === "created") return "ours";
  log.info(
    `Another job has claimed run ${claim.runId}: waiting for it to start the run, at most ${formatDuration(TAKEOVER_MS)}`,
  );
  return poll({
    clock,
    signal,
    delayMs: LOOK_MS,
    look: async () => {
      if ((await engine.state(claim.runId)) !== undefined) return "known";
      const entry = await store.read(key);
      if (entry === undefined) return (await store.create(key, marker())).state === "created" ? "ours" : undefined;
      if (clock.now() - writtenAt(entry.bytes) < TAKEOVER_MS) return undefined;
      const taken = await store.replace(key, entry.etag, marker());
      if (taken.state === "changed") return undefined;
      log.info(`Took over run ${claim.runId}: whoever claimed it has not started it`);
      return "ours";
    },
  });
}

function markerOf({ clock, release, job }: RunStep, { runId, attempt }: Claim): Json {
  const { runId: workflowRun, runAttempt, serverUrl, repository } = job.github;
  return {
    schema: 1,
    releaseId: release.id,
    runId,
    attempt,
    at: new Date(clock.now()).toISOString(),
    by: { repository: `${serverUrl}/${repository}`, workflowRun, runAttempt },
  };
}

/** A marker that cannot be read is as old as can be. */
function writtenAt(bytes: Uint8Array): number {
  try {
    const marker = v.safeParse(MarkerSchema, JSON.parse(Buffer.from(bytes).toString("utf8")));
    return marker.success ? Date.parse(marker.output.at) : 0;
  } catch {
    return 0;
  }
}
