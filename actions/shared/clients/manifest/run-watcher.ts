import { podSelector, RUN_LABEL } from "../../domain/manifest/marked-object.ts";
import { textAt } from "../../domain/manifest/object.ts";
import type { Clock } from "../../ports/clock.ts";
import type { KubeConnection } from "../kubernetes/connection.ts";
import type { ResourceType } from "../kubernetes/objects.ts";
import { type Heard, watchObjects } from "../kubernetes/watch.ts";
import type { Memory } from "./memory.ts";
import type { Place } from "./place.ts";

export type RunWatcher = {
  /** Whether every change of the runs that are followed is heard. */
  isListening(): boolean;
  /** The run is being looked at: what is heard from now on is new. */
  looked(runId: string): void;
  /** Resolves as soon as something was heard since the last look, at the latest when the signal is aborted. Begins to listen at the first call. */
  change(
    place: Place,
    wanted: { readonly runId: string; readonly memory: Memory; readonly signal: AbortSignal },
  ): Promise<void>;
  stop(runId: string): void;
};

/** Several changes that come together are one. */
const TOGETHER_MS = 50;
/** A job of hundreds of pods changes all the time: after so many looks in ten seconds they come once a second. */
const MANY_LOOKS = 10;
const SPACED_MS = 1_000;
/** Nobody has asked for so long: whoever followed the run does not any more. */
const IDLE_MS = 120_000;

type Ear = {
  readonly end: AbortController;
  isFresh: boolean;
  readonly listening: Set<string>;
  readonly wakers: Set<() => void>;
  idle: NodeJS.Timeout | undefined;
  podsOf: string | undefined;
  /** When it was looked at in the last ten seconds. */
  looks: readonly number[];
};

/** Listens for the object of a run and for its pods. One connection each, kept over many calls of `change`, so that nothing falls between. */
export function runWatcher(connection: KubeConnection, clock: Clock): RunWatcher {
  const ears = new Map<string, Ear>();

  return {
    isListening: () => [...ears.values()].some(({ listening }) => listening.has("object") && listening.has("pods")),

    looked(runId) {
      const ear = ears.get(runId);
      if (ear === undefined) return;
      ear.isFresh = false;
      const now = clock.now();
      ear.looks = [...ear.looks.filter((at) => now - at < 10_000), now];
    },

    async change(place, { runId, memory, signal }) {
      const ear = ears.get(runId) ?? listen(place, runId, memory);
      rest(ear, runId);
      await heardOrAborted(ear, signal);
      // what belongs together, such as a job's end and its pod's, is looked at once
      const pauseMs = ear.looks.length > MANY_LOOKS ? SPACED_MS : TOGETHER_MS;
      if (!signal.aborted) await clock.sleep(pauseMs, signal).catch(() => undefined);
    },

    stop,
  };

  function stop(runId: string): void {
    const ear = ears.get(runId);
    ears.delete(runId);
    if (ear === undefined) return;
    clearTimeout(ear.idle);
    ear.end.abort();
    for (const wake of ear.wakers) wake();
  }

  function rest(ear: Ear, runId: string): void {
    clearTimeout(ear.idle);
    ear.idle = setTimeout(() => stop(runId), IDLE_MS);
    ear.idle.unref();
  }

  function listen(place: Place, runId: string, memory: Memory): Ear {
    const ear: Ear = {
      end: new AbortController(),
      isFresh: false,
      listening: new Set(),
      wakers: new Set(),
      idle: undefined,
      podsOf: undefined,
      looks: [],
    };
    ears.set(runId, ear);
    void follow(ear, "object", {
      type: place.type,
      labels: `${RUN_LABEL}=${runId}`,
      heard: (news) => {
        const object = news.state === "listed" ? news.items[0] : news.object;
        if (object === undefined) return;
        memory.sawObject(object);
        const name = textAt(object, ["metadata", "name"]) ?? "";
        if (ear.podsOf !== undefined) return;
        // its pods are known by its name
        ear.podsOf = podSelector(name, runId, place.kind);
        const type = { group: "", version: "v1", plural: "pods", namespace: place.namespace };
        void follow(ear, "pods", { type, labels: ear.podsOf, heard: () => undefined });
      },
    });
    return ear;
  }

  async function follow(
    ear: Ear,
    what: "object" | "pods",
    {
      type,
      labels,
      heard,
    }: { readonly type: ResourceType; readonly labels: string; readonly heard: (news: Heard) => void },
  ): Promise<void> {
    await watchObjects(connection, {
      type,
      selection: { labels },
      clock,
      signal: ear.end.signal,
      heard: (news) => {
        heard(news);
        ear.isFresh = true;
        for (const wake of ear.wakers) wake();
      },
      listening: (isListening) => {
        if (isListening) ear.listening.add(what);
        else ear.listening.delete(what);
      },
    });
  }
}

function heardOrAborted(ear: Ear, signal: AbortSignal): Promise<void> {
  if (ear.isFresh || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      ear.wakers.delete(done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    ear.wakers.add(done);
    signal.addEventListener("abort", done, { once: true });
  });
}
