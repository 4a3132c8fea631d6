import type { Json } from "../../domain/canonical.ts";
import { type KubeObject, textAt } from "../../domain/manifest/object.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import type { KServeAct, KServeMemory, WritingAct } from "../../domain/serving/kserve-act.ts";
import { DIGEST_MARK } from "../../domain/serving/marks.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { createObject, deleteExactly, patchTested, patchVersion } from "../kubernetes/change-object.ts";
import { type PodGuard, podGuard } from "../kubernetes/pod-guard.ts";
import { type KServePlace, typeIn } from "./place.ts";

export type Seen<S> = { readonly isvc: KubeObject; readonly twin?: KubeObject | undefined; readonly state: S };

export type Carrying<S> = {
  /** As it reads in a sentence: `candidate digits 1.2.0`. */
  readonly goal: string;
  readonly read: () => Promise<Seen<S>>;
  readonly next: (state: S, memory: KServeMemory) => KServeAct;
  /** Whose pods must come up, and stay up; absent where none are waited for. */
  readonly pods?: { readonly model: ServedModel; readonly services: readonly string[] };
  /** Goes on after a signal: what only lowers is always brought to its end. */
  readonly isLowering: boolean;
  /** Nothing was ever sent to the candidate. */
  readonly isIdle?: boolean;
};

export type Carried<S> =
  | { readonly state: "done"; readonly seen: Seen<S> }
  | { readonly state: "unsupported"; readonly why: string };

const LOOK_MS = 1_000;
const STEADY_MS = 2_000;

/** Reads, decides and does one thing, until nothing is left to do. */
export async function carryOut<S>(place: KServePlace, carrying: Carrying<S>): Promise<Carried<S>> {
  const { clock, log } = place;
  const guard = podGuard(place.connection, { ...place, clock });
  const signal = carrying.isLowering ? undefined : place.signal;
  const steady = steadiness(place, guard, carrying.pods);
  let isDrained = carrying.isIdle === true;
  let waiting: { readonly for: string; readonly sinceMs: number } | undefined;
  let changedMs = clock.now();
  for (;;) {
    signal?.throwIfAborted();
    const seen = await patiently(carrying.read);
    if (seen === undefined) {
      await pause("the API server");
      continue;
    }
    const memory = waiting === undefined ? {} : { waiting: { for: waiting.for, ms: clock.now() - waiting.sinceMs } };
    const act = carrying.next(seen.state, { ...memory, isDrained, ...probeOf(place) });
    switch (act.do) {
      case "done":
        if ((await patiently(steady.look)) !== true) {
          await pause("its pods to stay ready for a moment");
          break;
        }
        if (act.note !== undefined) log.warn(act.note);
        return { state: "done", seen };
      case "wait":
        await patiently(steady.look);
        steady.restart();
        await pause(act.for);
        break;
      case "drain":
        log.info(`waited ${Math.round(place.drainMs / 1_000)} s for requests under way`);
        await clock.sleep(place.drainMs, signal);
        isDrained = true;
        break;
      case "unsupported":
        return { state: "unsupported", why: act.why };
      case "fail":
        throw new ReleaseError(act.code, act.problem);
      default: {
        // one whose answer never came may be done: what is there is read again
        const done = (await patiently(() => write(place, seen, act))) === true;
        if (done) log.info(`${act.says} (${place.namespace}/${place.name})`);
        else log.debug(`not done, since it is no longer what was read: ${act.says}`);
        waiting = undefined;
        if (done) changedMs = clock.now();
        else await pause("what was read to hold");
      }
    }
  }

  async function pause(what: string): Promise<void> {
    const sinceMs = waiting?.for === what ? waiting.sinceMs : clock.now();
    if (waiting?.for !== what) log.debug(`waits for ${what}`);
    waiting = { for: what, sinceMs };
    const waitedMs = clock.now() - changedMs;
    if (waitedMs >= place.readyTimeoutMs)
      throw new ReleaseError("TIMEOUT", {
        rule: `${carrying.goal} must be in force within ${Math.round(place.readyTimeoutMs / 1_000)} s`,
        saw: `still waits for ${what}`,
        hint: "set ready-timeout longer, or see what kubectl describe says of it",
      });
    await clock.sleep(place.lookMs ?? LOOK_MS, signal);
  }
}

function probeOf({ probeMs }: KServePlace): Pick<KServeMemory, "probeMs"> {
  return probeMs === undefined ? {} : { probeMs };
}

/** An API server that starts again is away for seconds: undefined then. */
async function patiently<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isReleaseError(error, "UNAVAILABLE")) return undefined;
    throw error;
  }
}

/** Whether the pods of a version have been ready for a while without one of them starting again. Fails as soon as one of them has. */
function steadiness({ clock, steadyMs = STEADY_MS }: KServePlace, guard: PodGuard, wanted: Carrying<unknown>["pods"]) {
  let since: { readonly ms: number; readonly restarts: number } | undefined;
  return {
    restart: () => {
      since = undefined;
    },
    look: async (): Promise<boolean> => {
      if (wanted === undefined) return true;
      const labels = `serving.kserve.io/inferenceservice in (${wanted.services.join()})`;
      const isOurs = (pod: KubeObject) => textAt(pod, ["metadata", "annotations", DIGEST_MARK]) === wanted.model.digest;
      const pods = (await guard.look({ labels, isOurs })) ?? [];
      const restarts = pods.reduce((sum, pod) => sum + (pod.state === "ready" ? pod.restarts : 0), 0);
      if (since?.restarts !== restarts) since = { ms: clock.now(), restarts };
      return clock.now() - since.ms >= steadyMs;
    },
  };
}

/** False where it no longer held for what was there; what is there is read again. */
async function write<S>(place: KServePlace, { isvc, twin }: Seen<S>, act: WritingAct): Promise<boolean> {
  const { connection } = place;
  const services = typeIn(place, "service");
  switch (act.do) {
    case "patch": {
      const object = act.what === "service" ? isvc : twin;
      const wish = {
        name: metadataOf(object, "name"),
        version: metadataOf(object, "resourceVersion"),
        patch: act.patch,
      };
      return (await patchVersion(connection, services, wish)).state === "done";
    }
    case "route": {
      const wish = { name: act.route, operations: act.operations };
      return (await patchTested(connection, typeIn(place, "route"), wish)).state === "done";
    }
    case "create":
      return (await createObject(connection, services, { object: act.object })).state === "created";
    case "delete": {
      const wish = { name: metadataOf(twin, "name"), uid: metadataOf(twin, "uid") };
      return (await deleteExactly(connection, services, wish)) === "done";
    }
  }
}

function metadataOf(object: Json | undefined, key: string): string {
  return textAt(object, ["metadata", key]) ?? "";
}
