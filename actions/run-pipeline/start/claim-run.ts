import * as v from "valibot";
import { canonicalJson, type Json } from "../../shared/domain/canonical.ts";
import { formatDuration } from "../../shared/domain/quantity.ts";
import { readIfSound } from "../../shared/lib/decode.ts";
import { poll } from "../../shared/lib/poll.ts";
import type { Ports, RunStep } from "../step.ts";

/** A marker whose run the engine does not know after this time was left by a job that died before it could submit. */
const TAKEOVER_MS = 120_000;
const LOOK_MS = 1_000;

export type Claim = { readonly runId: string; readonly attempt: number };

const MarkerSchema = v.looseObject({
  at: v.pipe(v.string(), v.isoTimestamp()),
  by: v.optional(v.looseObject({ workflowRun: v.optional(v.string()), runAttempt: v.optional(v.string()) }), {}),
});

/**
 * Keeps two jobs from submitting one run: only who writes the marker may. `known`: somebody else was first, and the engine has heard of the
 * run by now. Waits for a job that is about to submit; takes over from one that never did.
 */
export async function claimRun(step: RunStep, { store, engine }: Ports, claim: Claim): Promise<"ours" | "known"> {
  const { clock, log, release, signal } = step;
  const key = claimKey(release.id, claim);
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
      if (isAlive(readMarker(entry.bytes), step)) return undefined;
      const taken = await store.replace(key, entry.etag, marker());
      if (taken.state === "changed") return undefined;
      log.info(`Took over run ${claim.runId}: whoever claimed it has not started it`);
      return "ours";
    },
  });
}

/** Whether a job of another workflow run has started it. Where nobody has left a marker, nobody else is known. */
export async function isClaimedByAnother({ release, job }: RunStep, { store }: Ports, claim: Claim): Promise<boolean> {
  const entry = await store.read(claimKey(release.id, claim));
  const by = entry === undefined ? undefined : readMarker(entry.bytes)?.by.workflowRun;
  return by !== undefined && by !== job.github.runId;
}

function claimKey(releaseId: string, { runId }: Claim): string {
  return `releases/${releaseId}/runs/${runId}.json`;
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

type Marker = v.InferOutput<typeof MarkerSchema>;

/** Undefined for a marker that cannot be read. */
function readMarker(bytes: Uint8Array): Marker | undefined {
  return readIfSound(MarkerSchema, new TextDecoder().decode(bytes));
}

/** Whether its job may still submit the run. An earlier attempt of our own workflow run has ended: else we would not have been started. */
function isAlive(marker: Marker | undefined, { clock, job }: RunStep): boolean {
  if (marker === undefined || clock.now() - Date.parse(marker.at) >= TAKEOVER_MS) return false;
  const { workflowRun, runAttempt } = marker.by;
  return !(workflowRun === job.github.runId && Number(runAttempt) < Number(job.github.runAttempt));
}
