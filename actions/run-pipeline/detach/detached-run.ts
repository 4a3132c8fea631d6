import * as v from "valibot";
import { DigestSchema } from "../../shared/domain/digest.ts";
import { DataSetSchema } from "../../shared/domain/release.ts";
import { readIfSound } from "../../shared/lib/decode.ts";
import type { ModelStore } from "../../shared/ports/model-store.ts";
import type { Seen } from "../follow/seen.ts";
import type { RunFacts } from "../prepare/prepared.ts";
import type { RunStep } from "../step.ts";

/** GitHub lets a workflow run be run again for so long. */
const FORGET_MS = 30 * 86_400_000;

const HolderSchema = v.object({
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

const TimesSchema = v.union([v.number(), v.literal("unknown")]);

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
    tasks: v.array(v.object({ path: v.string(), times: TimesSchema, image: v.string() })),
    model: v.optional(v.object({ task: v.string(), path: v.string(), output: v.string() })),
    gpus: v.array(v.object({ task: v.string(), type: v.string(), count: v.number(), times: TimesSchema })),
    images: v.record(v.string(), v.string()),
  }),
  seen: v.object({
    waits: v.record(v.string(), WaitingSchema),
    gpus: v.record(v.string(), GpuUseSchema),
    at: v.pipe(v.string(), v.isoTimestamp()),
  }),
  /** Who follows it; who has concluded it, and goes on with the release. Neither: whoever comes. */
  heldBy: v.optional(HolderSchema),
  concludedBy: v.optional(HolderSchema),
});

/** A run that goes on without the job that started it, with what it takes to conclude it: `detached/<release id>.json` in the store. */
export type DetachedRun = Omit<v.InferOutput<typeof DetachedSchema>, "facts" | "seen"> & {
  readonly facts: RunFacts;
  readonly seen: Seen & { readonly at: string };
};

/** Who has to do with it: a job, by its workflow run, and when it said so last. */
export type Holder = v.InferOutput<typeof HolderSchema>;

export type FoundRun = { readonly run: DetachedRun; readonly etag: string };

export function detachedKey(releaseId: string): string {
  return `detached/${releaseId}.json`;
}

/** The detached run of a release; undefined where there is none, or one that cannot be read. */
export function findDetachedRun(store: ModelStore, releaseId: string): Promise<FoundRun | undefined> {
  return readRun(store, detachedKey(releaseId));
}

/** All of this repository, the oldest first. */
export async function listDetachedRuns(
  store: ModelStore,
  { job, clock }: Pick<RunStep, "clock" | "job">,
): Promise<readonly FoundRun[]> {
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

export type NamedRun = { readonly runId: string; readonly releaseId: string };

/** Forgets a run: there is nothing to go on with. */
export async function dropDetachedRun(store: ModelStore, { runId, releaseId }: NamedRun): Promise<void> {
  const found = await findDetachedRun(store, releaseId);
  if (found?.run.runId === runId) await store.remove(detachedKey(releaseId), found.etag);
}

async function readRun(store: ModelStore, key: string): Promise<FoundRun | undefined> {
  const entry = await store.read(key);
  if (entry === undefined) return undefined;
  const run = readIfSound(DetachedSchema, new TextDecoder().decode(entry.bytes));
  // valibot's output is mutable where ours is not: the same data
  return run && { run: run as unknown as DetachedRun, etag: entry.etag };
}
