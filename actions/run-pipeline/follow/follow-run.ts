import type { GpuRequest } from "../../shared/domain/pipeline/gpus.ts";
import type { RunStatus } from "../../shared/domain/run/task.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import type { PipelineEngine, Work } from "../../shared/ports/pipeline-engine.ts";
import { patiently, stepMs, type Waiter } from "./patiently.ts";
import { progressTeller } from "./progress.ts";
import { type GaveUp, type Limits, NOTHING_SEEN, nextLook, type Seen, seeMore } from "./seen.ts";

export type Following = {
  readonly runId: string;
  /** For sentences: `digits v1.1.0`. */
  readonly name: string;
  readonly gpus: readonly GpuRequest[];
  readonly limits: Limits;
  /** What an earlier job has seen, and how long ago. */
  readonly before?: { readonly seen: Seen; readonly agoMs: number };
  /** Called after each look. */
  readonly onLook?: (seen: Seen) => Promise<void>;
};

/** How following a run ended. A run that was given up is still running. */
export type Followed = { readonly status: RunStatus; readonly seen: Seen; readonly followedMs: number } & (
  | { readonly state: "over" }
  | { readonly state: "gave-up"; readonly why: GaveUp }
  | { readonly state: "handed-over" }
);

type Watched = Pick<PipelineEngine<Work>, "state" | "change" | "lookMs">;

/** Longest time between two jobs that is taken for one wait. */
const LONGEST_GAP_MS = 3_600_000;

/**
 * Looks at a run until it is over, or a budget is: each task's start, wait, end, duration and cache use is told as it happens. An engine that
 * does not answer says nothing about the run, and is asked again.
 */
export async function followRun(step: Waiter, engine: Watched, following: Following): Promise<Followed> {
  const { clock, signal } = step;
  const { runId, gpus, limits, before } = following;
  const tell = progressTeller(step, following);
  let seen = before?.seen ?? NOTHING_SEEN;
  let passedMs = Math.min(LONGEST_GAP_MS, before?.agoMs ?? 0);
  let followedMs = 0;
  for (;;) {
    const begunMs = clock.now();
    const status = await patiently(step, () => knownState(engine, runId));
    seen = seeMore(seen, status, { requests: gpus, nowMs: clock.now(), passedMs });
    await following.onLook?.(seen);
    const next = nextLook({ status, seen, followedMs }, limits, gpus);
    tell({ status, seen, followedMs, isFirst: followedMs === 0, isLast: next.do !== "wait" });
    switch (next.do) {
      case "conclude":
        return { state: "over", status, seen, followedMs };
      case "give-up":
        return { state: "gave-up", status, seen, followedMs, why: next.why };
      case "hand-over":
        return { state: "handed-over", status, seen, followedMs };
      case "wait":
        await pause(
          Math.min(lookDelay(followedMs, engine.lookMs), (limits.attachedMs ?? Number.POSITIVE_INFINITY) - followedMs),
        );
    }
    passedMs = Math.max(1, stepMs(begunMs, clock.now()));
    followedMs += passedMs;
  }

  /** Until it is time for the next look, or something has changed. */
  async function pause(ms: number): Promise<void> {
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const slept = clock.sleep(ms, either).catch(() => undefined);
    await Promise.race([slept, engine.change?.(runId, either) ?? slept]);
    stop.abort();
    signal.throwIfAborted();
  }
}

/** The state of a run that the engine has accepted. */
export async function knownState(engine: Pick<Watched, "state">, runId: string): Promise<RunStatus> {
  const status = await engine.state(runId);
  if (status !== undefined) return status;
  throw new ReleaseError("PROTOCOL", {
    rule: "the engine must know a run that it has accepted",
    saw: `run ${runId} is unknown`,
    hint: "was it deleted? Run the step again: it starts over",
  });
}

/** 1 % of what was waited: whoever waits for hours can wait half a minute more. */
export function lookDelay(waitedMs: number, { min, max }: PipelineEngine["lookMs"]): number {
  return Math.min(max, Math.max(min, waitedMs / 100));
}
