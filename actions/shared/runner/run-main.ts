import { setTimeout as pause } from "node:timers/promises";
import { formatCount, formatDuration } from "../domain/quantity.ts";
import { endLiveGroups } from "../lib/child-group.ts";
import { ReleaseError } from "../lib/error.ts";
import type { Action, Declarations } from "./action.ts";
import type { Told } from "./apply-ending.ts";
import { cancelAct } from "./cancel-act.ts";
import { asReleaseError } from "./describe-error.ts";
import { type Preparation, prepareStep, type Reached } from "./prepare-step.ts";
import { interruption, type StopSignal } from "./signals.ts";
import type { World } from "./world.ts";

// Of the 7.5 s that the runner gives before SIGTERM: the cancel, then the story and its children, then the report.
const CANCEL_MS = 5_000;
const SETTLE_MS = 500;
const CHILDREN_MS = 1_000;

/** The longest pause that a timer of Node takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The main phase: the story, or what stops it, told and written down. Answers the exit code. */
export async function runMain<D extends Declarations, Ports extends object, Outcome>(
  action: Action<D, Ports, Outcome>,
  world: World,
): Promise<0 | 1> {
  world.state.mark("started");
  const reached: Reached<D, Ports> = {};
  const stop = new AbortController();
  const deadline = Promise.withResolvers<ReleaseError>();
  const story = tellStory(action, world, {
    reached,
    signal: stop.signal,
    onTimeout: (ms) => setTimeout(() => deadline.resolve(tookTooLong(ms)), Math.min(ms, LONGEST_TIMER_MS)),
  });
  const crashed = new Promise<ReleaseError>((resolve) => {
    // A promise of ours that nobody awaits: what was begun is taken back, as after a signal. The listener stays: a second one must not end the process.
    process.on("uncaughtException", (error) => resolve(asReleaseError(error)));
  });
  const stopped = Promise.race([interruption.then(cancelledBy), deadline.promise, crashed]);
  const first = await Promise.race([story, stopped.then((by) => ({ state: "stopped" as const, by }))]);
  const { applyEnding } = await import("./apply-ending.ts");
  if (first.state !== "stopped") {
    await endChildren(world);
    return applyEnding(action, world, { reached, ending: first });
  }
  stop.abort(first.by);
  const cancelled = await cancelAct(action, reached, CANCEL_MS);
  const late = await Promise.race([story, pause(SETTLE_MS).then(() => undefined)]);
  await endChildren(world);
  return applyEnding(action, world, { reached, ending: { ...first, cancelled, late } });
}

/** Whatever the story left running and has not released. */
async function endChildren({ log }: World): Promise<void> {
  const ended = await endLiveGroups(CHILDREN_MS);
  if (ended > 0)
    log.info(`Ended ${formatCount(ended, "child process", "child processes")} with what they had started.`);
}

/** Never rejects: what it throws is one of its ends. */
async function tellStory<D extends Declarations, Ports extends object, Outcome>(
  action: Action<D, Ports, Outcome>,
  world: World,
  preparation: Preparation<D, Ports>,
): Promise<Told> {
  try {
    const { step, ports } = await prepareStep(action, world, preparation);
    return { state: "told", conclusion: action.report(await action.main(step, ports)) };
  } catch (error) {
    return { state: "threw", error };
  }
}

function cancelledBy(signal: StopSignal): ReleaseError {
  return new ReleaseError("CANCELLED", {
    rule: "this step was cancelled",
    saw: signal,
    hint: "run it again: it goes on where this one ended",
  });
}

function tookTooLong(ms: number): ReleaseError {
  return new ReleaseError("TIMEOUT", {
    rule: "the step took longer than it may",
    where: { input: "timeout" },
    allowed: formatDuration(ms),
    hint: "set `timeout` higher, or run it again: it goes on where this one ended",
  });
}
