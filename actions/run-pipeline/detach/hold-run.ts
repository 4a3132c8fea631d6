import { canonicalJson, type Json } from "../../shared/domain/canonical.ts";
import type { ModelStore } from "../../shared/ports/model-store.ts";
import type { Seen } from "../follow/seen.ts";
import type { RunStep } from "../step.ts";
import { type DetachedRun, detachedKey, findDetachedRun, type Holder, type NamedRun } from "./detached-run.ts";

/** A job that follows a run says so this often; one that has not for longer is dead, and another one may follow it. */
const RENEW_MS = 60_000;
const DEAD_MS = 180_000;

/** A run that this job follows, as the only one. */
export type HeldRun = {
  readonly run: DetachedRun;
  /** Keeps what was seen, and that this job is alive. False: another job has taken over, since this one stood still for too long. */
  renew(seen: Seen): Promise<boolean>;
  /** Whoever comes may follow it. */
  handOver(seen: Seen): Promise<void>;
  /** Nobody else goes on with the release; this workflow run may, also when it is run again. */
  conclude(): Promise<void>;
  /** There is nothing to go on with. */
  remove(): Promise<void>;
};

type Holding = Pick<RunStep, "clock" | "job">;

/** Whether this job may follow it: nobody does, or who did is dead, or an earlier attempt of this workflow run has concluded it. */
export function mayFollow({ heldBy, concludedBy }: DetachedRun, { clock, job }: Holding): boolean {
  const isOurs = (by: { readonly workflowRun: string; readonly runAttempt: string }) =>
    by.workflowRun === job.github.runId && Number(by.runAttempt) < Number(job.github.runAttempt);
  if (concludedBy !== undefined) return isOurs(concludedBy);
  if (heldBy === undefined || isOurs(heldBy)) return true;
  return clock.now() - Date.parse(heldBy.at) >= DEAD_MS;
}

/** Takes a run to be followed by this job alone; undefined where another job was first. */
export async function holdRun(
  step: Holding,
  store: ModelStore,
  { run, etag: first }: { readonly run: DetachedRun; readonly etag: string | undefined },
): Promise<HeldRun | undefined> {
  const { clock } = step;
  const key = detachedKey(run.releaseId);
  let { concludedBy: _, ...current }: DetachedRun = { ...run, heldBy: holderOf(step) };
  const taken =
    first === undefined ? await store.create(key, bytesOf(current)) : await store.replace(key, first, bytesOf(current));
  if (taken.state === "exists" || taken.state === "changed") return undefined;
  let etag: string | undefined = taken.etag;
  let renewedMs = clock.now();

  const write = async (next: DetachedRun): Promise<boolean> => {
    if (etag === undefined) return false;
    current = next;
    const written = await store.replace(key, etag, bytesOf(current));
    etag = written.state === "replaced" ? written.etag : undefined;
    renewedMs = clock.now();
    return etag !== undefined;
  };
  const seenNow = (seen: Seen) => ({ ...seen, at: new Date(clock.now()).toISOString() });

  return {
    run,
    async renew(seen) {
      if (Math.abs(clock.now() - renewedMs) < RENEW_MS) return etag !== undefined;
      return write({ ...current, seen: seenNow(seen), heldBy: holderOf(step) });
    },
    async handOver(seen) {
      const { heldBy: _holder, ...free } = current;
      await write({ ...free, seen: seenNow(seen) });
    },
    async conclude() {
      const { heldBy: _holder, ...free } = current;
      await write({ ...free, concludedBy: holderOf(step) });
    },
    async remove() {
      if (etag !== undefined) await store.remove(key, etag);
      etag = undefined;
    },
  };
}

/** Whoever comes may follow what this job has followed. */
export async function letGoOfRun({ job }: Pick<RunStep, "job">, store: ModelStore, named: NamedRun): Promise<void> {
  const found = await findDetachedRun(store, named.releaseId);
  if (found?.run.runId !== named.runId || found.run.heldBy?.workflowRun !== job.github.runId) return;
  const { heldBy: _, ...free } = found.run;
  await store.replace(detachedKey(named.releaseId), found.etag, bytesOf(free));
}

function holderOf({ clock, job }: Holding): Holder {
  const { runId, runAttempt } = job.github;
  return { workflowRun: runId, runAttempt, at: new Date(clock.now()).toISOString() };
}

function bytesOf(run: DetachedRun): Uint8Array {
  return new TextEncoder().encode(canonicalJson(run as unknown as Json));
}
