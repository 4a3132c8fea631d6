import * as v from "valibot";
import { canonicalJson, type Json } from "../../shared/domain/canonical.ts";
import { DigestSchema } from "../../shared/domain/digest.ts";
import { DataSetSchema } from "../../shared/domain/release.ts";
import type { ModelStore } from "../../shared/ports/model-store.ts";
import type { Seen } from "../follow/seen.ts";
import type { RunFacts } from "../prepare/prepared.ts";
import type { RunStep } from "../step.ts";

/** A job that follows a run says so this often; one that has not for longer is dead, and another one may follow it. */
const RENEW_MS = 60_000;
const DEAD_MS = 180_000;
/** GitHub lets a workflow run be run again for so long. */
const FORGET_MS = 30 * 86_400_000;

const Holder = v.object({
  workflowRun: v.string(),
  runAttempt: v.string(),
  at: v.pipe(v.string(), v.isoTimestamp()),
});

const WaitingSchema = v.object({
  path: v.string(),
  wait: v.object({
    kind: v.picklist(["start", "unschedulable", "image-pull", "image-invalid", "config", "quota", "starting"]),
    message: v.string(),
    pod: v.optional(v.string()),
  }),
  waitedMs: v.number(),
  goneMs: v.number(),
});

const GpuUseSchema = v.object({
  path: v.string(),
  type: v.string(),
  count: v.number(),
  queuedMs: v.number(),
  ranMs: v.number(),
});

const Times = v.union([v.number(), v.literal("unknown")]);

const DetachedSchema = v.object({
  schema: v.literal(1),
  releaseId: v.string(),
  repository: v.string(),
  runId: v.string(),
  attempt: v.number(),
  why: v.string(),
  engine: v.picklist(["local", "kubeflow", "manifest"]),
  endpoint: v.string(),
  facts: v.object({
    work: v.object({
      kind: v.picklist(["pipeline", "manifest"]),
      name: v.string(),
      version: v.string(),
      digest: DigestSchema,
    }),
    parameters: v.record(v.string(), v.unknown()),
    data: v.array(DataSetSchema),
    handed: v.array(DataSetSchema),
    tasks: v.array(v.object({ path: v.string(), times: Times, image: v.string() })),
    model: v.optional(v.object({ task: v.string(), path: v.string(), output: v.string() })),
    gpus: v.array(v.object({ task: v.string(), type: v.string(), count: v.number(), times: Times })),
    images: v.record(v.string(), v.string()),
  }),
  seen: v.object({
    waits: v.record(v.string(), WaitingSchema),
    gpus: v.record(v.string(), GpuUseSchema),
    at: v.pipe(v.string(), v.isoTimestamp()),
  }),
  /** Who follows it; who has concluded it, and goes on with the release. Neither: whoever comes. */
  heldBy: v.optional(Holder),
  concludedBy: v.optional(Holder),
});

/** A run that goes on without the job that started it, with what it takes to conclude it: `detached/<release id>.json` in the store. */
export type DetachedRun = Omit<v.InferOutput<typeof DetachedSchema>, "facts" | "seen"> & {
  readonly facts: RunFacts;
  readonly seen: Seen & { readonly at: string };
};

export type FoundRun = { readonly run: DetachedRun; readonly etag: string };

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

export function detachedKey(releaseId: string): string {
  return `detached/${releaseId}.json`;
}

/** The detached run of a release; undefined where there is none, or one that cannot be read. */
export function findDetachedRun(store: ModelStore, releaseId: string): Promise<FoundRun | undefined> {
  return readRun(store, detachedKey(releaseId));
}

/** All of this repository, the oldest first. */
export async function listDetachedRuns(store: ModelStore, { job, clock }: Holding): Promise<readonly FoundRun[]> {
  const all: FoundRun[] = [];
  for await (const { key } of store.list("detached/")) {
    const found = await readRun(store, key);
    if (found?.run.repository !== job.github.repository) continue;
    const { concludedBy } = found.run;
    if (concludedBy !== undefined && clock.now() - Date.parse(concludedBy.at) > FORGET_MS)
      await store.remove(key, found.etag);
    else all.push(found);
  }
  return all.toSorted((a, b) => Date.parse(a.run.seen.at) - Date.parse(b.run.seen.at));
}

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
  const body = () => Buffer.from(canonicalJson(current as unknown as Json));
  const taken = first === undefined ? await store.create(key, body()) : await store.replace(key, first, body());
  if (taken.state === "exists" || taken.state === "changed") return undefined;
  let etag: string | undefined = taken.etag;
  let renewedMs = clock.now();

  const write = async (next: DetachedRun): Promise<boolean> => {
    if (etag === undefined) return false;
    current = next;
    const written = await store.replace(key, etag, body());
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

export type NamedRun = { readonly runId: string; readonly releaseId: string };

/** Forgets a run: there is nothing to go on with. */
export async function dropDetachedRun(store: ModelStore, { runId, releaseId }: NamedRun): Promise<void> {
  const found = await findDetachedRun(store, releaseId);
  if (found?.run.runId === runId) await store.remove(detachedKey(releaseId), found.etag);
}

/** Whoever comes may follow what this job has followed. */
export async function letGoOfRun({ job }: Pick<RunStep, "job">, store: ModelStore, named: NamedRun): Promise<void> {
  const found = await findDetachedRun(store, named.releaseId);
  if (found?.run.runId !== named.runId || found.run.heldBy?.workflowRun !== job.github.runId) return;
  const { heldBy: _, ...free } = found.run;
  await store.replace(detachedKey(named.releaseId), found.etag, Buffer.from(canonicalJson(free as unknown as Json)));
}

function holderOf({ clock, job }: Holding): v.InferOutput<typeof Holder> {
  const { runId, runAttempt } = job.github;
  return { workflowRun: runId, runAttempt, at: new Date(clock.now()).toISOString() };
}

async function readRun(store: ModelStore, key: string): Promise<FoundRun | undefined> {
  const entry = await store.read(key);
  if (entry === undefined) return undefined;
  const read = v.safeParse(DetachedSchema, parseJson(entry.bytes));
  // valibot's output is mutable where ours is not: the same data
  return read.success ? { run: read.output as unknown as DetachedRun, etag: entry.etag } : undefined;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}
