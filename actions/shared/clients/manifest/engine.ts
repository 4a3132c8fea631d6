import type { Kind } from "../../domain/manifest/kinds.ts";
import { markedObject } from "../../domain/manifest/marked-object.ts";
import { type KubeObject, valueAt, withValue } from "../../domain/manifest/object.ts";
import { objectName } from "../../domain/manifest/object-name.ts";
import { runStatusOf } from "../../domain/manifest/run-status.ts";
import { CANCELLED_AT, statusOf } from "../../domain/manifest/status.ts";
import { isOver, type RunStatus } from "../../domain/run/task.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { ManifestWork, PipelineEngine, RunRequest } from "../../ports/pipeline-engine.ts";
import type { KubeConnection } from "../kubernetes/connection.ts";
import { applyObject, patchObject } from "../kubernetes/objects.ts";
import { cancelRun } from "./cancel.ts";
import { checkManifest } from "./check.ts";
import { findObject, objectNamed } from "./find-object.ts";
import { type Memory, newMemory } from "./memory.ts";
import { observe } from "./observe.ts";
import { type Place, typeFinder } from "./place.ts";
import { resultsOf } from "./results.ts";
import { runWatcher } from "./run-watcher.ts";

export type ManifestEngineOptions = {
  readonly connection: KubeConnection;
  /** Where the objects are. */
  readonly namespace: string;
  /** Of the manifest: an engine is made for one. */
  readonly kind: Kind;
  readonly clock: Clock;
  readonly log: Log;
  /** How a run is ended: suspended where its kind can be, so that it can go on later, or deleted. */
  readonly ending: "suspend" | "delete";
};

/**
 * Objects of Kubernetes that train, by server-side apply. A run is the object that carries its id as a label; it is found by that, whoever
 * made it. What happens is heard by watching, and looked at now and then all the same.
 */
export function manifestEngine(options: ManifestEngineOptions): PipelineEngine<ManifestWork> {
  const { connection, namespace, kind, clock } = options;
  const findType = typeFinder(connection, kind, namespace);
  const memories = new Map<string, Memory>();
  const watcher = runWatcher(connection, clock);
  const submissions = new Map<string, Promise<void>>();

  const placeOf = async (): Promise<Place | undefined> => {
    const type = await findType();
    return type === undefined ? undefined : { connection, kind, namespace, type };
  };

  const memoryOf = (runId: string): Memory => {
    const memory = memories.get(runId) ?? newMemory();
    memories.set(runId, memory);
    return memory;
  };

  return {
    kind: "manifest",
    endpoint: `${connection.server}/namespaces/${namespace}`,
    runsImages: true,
    // where every change is heard, looking is only the net
    get lookMs() {
      return watcher.isListening() ? { min: 5_000, max: 60_000 } : { min: 2_000, max: 30_000 };
    },

    async check(request) {
      return checkManifest({ ...options, findType }, request);
    },

    async submit(request) {
      const { runId } = request;
      const submitting = submitOnce(request).finally(() => submissions.delete(runId));
      submissions.set(runId, submitting);
      await submitting;
    },

    async state(runId) {
      const memory = memoryOf(runId);
      return look(runId, memory).catch((error: unknown) => {
        throw memory.lastStatus() === undefined ? error : passingRefusal(error);
      });
    },

    async change(runId, signal) {
      const place = await placeOf().catch(() => undefined);
      if (place === undefined) return waitFor(signal);
      const memory = memoryOf(runId);
      await watcher.change(place, { runId, memory, signal });
    },

    async results(runId) {
      const place = await placeOf();
      if (place === undefined) throw noSuchKind(kind);
      return resultsOf(place, runId, memoryOf(runId));
    },

    async cancel(runId) {
      watcher.stop(runId);
      // an apply that is on its way would arrive after the cancel
      await submissions.get(runId)?.catch(() => undefined);
      const place = await placeOf();
      if (place === undefined) return [`the cluster has no ${kind.kind}, so that nothing of run ${runId} can run`];
      return cancelRun(place, { runId, clock, ending: options.ending });
    },
  };

  async function look(runId: string, memory: Memory): Promise<RunStatus | undefined> {
    const place = await placeOf();
    if (place === undefined) return undefined;
    watcher.looked(runId);
    const object = await findObject(place, runId);
    if (object === undefined) {
      watcher.stop(runId);
      return goneStatus(memory, kind);
    }
    const status = await observe(place, { object, runId, memory });
    if (isOver(status.state)) watcher.stop(runId);
    return { ...status, url: addressFor(place, object) };
  }

  async function submitOnce(request: RunRequest<ManifestWork>): Promise<void> {
    const place = await placeOf();
    if (place === undefined) throw noSuchKind(kind);
    const known = await findObject(place, request.runId);
    if (known === undefined) await apply(place, request);
    else if (runStatusOf({ object: known, kind, pods: [], trials: [], place: "" }).canRetry) await resume(place, known);
  }

  async function apply(place: Place, { work, runId, attempt, origin }: RunRequest<ManifestWork>): Promise<void> {
    const name = objectName(work.name, runId, kind);
    const other = await objectNamed(place, name);
    if (other !== undefined)
      throw new ReleaseError("CONFLICT", {
        rule: `${kind.kind} ${name} is there already, and is not this run`,
        saw: `run ${String(valueAt(other, ["metadata", "labels", "ml-release/run-id"]) ?? "of somebody else")}`,
        hint: "give the manifest another name, or delete that object",
      });
    const marks = { prefix: work.name, runId, attempt, digest: work.digest, namespace, ...origin };
    const object = markedObject(work.object, kind, marks);
    await applyObject(connection, place.type, { object, name, mode: "real" });
  }

  /** Takes back what `cancel` did. */
  async function resume(place: Place, object: KubeObject): Promise<void> {
    const name = String(valueAt(object, ["metadata", "name"]));
    const annotations = { metadata: { annotations: { [CANCELLED_AT]: null } } };
    const patch = kind.suspend === undefined ? annotations : withValue(annotations, kind.suspend, false);
    await patchObject(connection, place.type, { name, patch });
  }
}

/** Refused after it was allowed: an API server that starts refuses everybody until it has read the roles. It may pass. */
function passingRefusal(error: unknown): unknown {
  return isReleaseError(error, "AUTH") ? new ReleaseError("UNAVAILABLE", error.problems, error) : error;
}

/** What is left of a run whose object is gone: its end, where that was seen. */
function goneStatus(memory: Memory, kind: Kind): RunStatus | undefined {
  const last = memory.lastStatus();
  if (last === undefined) return undefined;
  const object = memory.lastObject();
  // the last thing that was heard of it may be its end: it was removed right after
  if (object !== undefined && !isOver(last.state)) {
    const end = statusOf(object, kind);
    if (end.state === "succeeded" || end.state === "failed")
      return runStatusOf({ object, kind, pods: memory.pods(), trials: [], place: "" });
  }
  if (isOver(last.state)) return last;
  return {
    ...last,
    state: "lost",
    canRetry: false,
    reason: `${kind.kind} was deleted while it was ${last.state}, by somebody else or by its ttlSecondsAfterFinished`,
  };
}

function noSuchKind({ group, version, kind, operator }: Kind): ReleaseError {
  return new ReleaseError("NOT_FOUND", {
    rule: `the cluster does not know ${kind} of ${group}/${version}`,
    hint: `install ${operator ?? "what brings it"}`,
  });
}

/** What people type to look at it. */
function addressFor({ connection, type }: Place, object: KubeObject): string {
  const { group, version, plural, namespace } = type;
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${connection.server}${root}/namespaces/${namespace}/${plural}/${String(valueAt(object, ["metadata", "name"]))}`;
}

function waitFor(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
