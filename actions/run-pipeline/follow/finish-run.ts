import type { RunStatus } from "../../shared/domain/run/task.ts";
import { isReleaseError } from "../../shared/lib/error.ts";
import type { RunFacts } from "../prepare/prepared.ts";
import type { Ports, RunStep } from "../step.ts";
import { type Followed, followRun } from "./follow-run.ts";
import { patiently } from "./patiently.ts";
import type { GaveUp, Limits, Seen } from "./seen.ts";

/** A run that has ended, by itself or by us, or that goes on without this job. */
export type Finished =
  | {
      readonly state: "ended";
      readonly status: RunStatus;
      readonly seen: Seen;
      readonly gaveUp: GaveUp | undefined;
      readonly retries: number;
      /** 0 where it was over at the first look. */
      readonly followedMs: number;
    }
  | { readonly state: "goes-on"; readonly status: RunStatus; readonly seen: Seen };

export type ToFinish = {
  readonly runId: string;
  readonly facts: RunFacts;
  readonly attachedMs?: number;
  readonly before?: { readonly seen: Seen; readonly agoMs: number };
  readonly onLook?: (seen: Seen) => Promise<void>;
  /** Tries it again; absent where this job cannot. A run that was adopted is tried again only where it was lost. */
  readonly again?: { readonly submit: () => Promise<void>; readonly adopted: boolean };
};

/** A run whose engine was killed under another job is taken up so often, whatever `retries` says. */
const LOST_RETRIES = 3;

/** Follows a run to its end, tries again what may be tried again, and ends a run whose budget is over. */
export async function finishRun(step: RunStep, { engine }: Ports, wanted: ToFinish): Promise<Finished> {
  const { inputs, log } = step;
  const { runId, facts } = wanted;
  const following = {
    runId,
    name: `${facts.work.name} ${facts.work.version}`,
    gpus: facts.gpus,
    limits: limitsOf(step, wanted.attachedMs),
    ...(wanted.before === undefined ? {} : { before: wanted.before }),
    ...(wanted.onLook === undefined ? {} : { onLook: wanted.onLook }),
  };
  let followed = await followRun(step, engine, following);
  let retries = 0;
  while (
    wanted.again !== undefined &&
    mayRetry(followed, { retries, allowed: wanted.again.adopted ? 0 : inputs.retries })
  ) {
    retries++;
    log.info(
      `Run ${runId} is ${followed.status.state}: trying it again (${retries}), tasks that have finished are kept`,
    );
    if (!(await tryAgain(step, wanted.again.submit))) break;
    followed = await followRun(step, engine, following);
  }
  if (followed.state === "handed-over") return { state: "goes-on", status: followed.status, seen: followed.seen };
  const { status, seen, followedMs } = followed;
  if (followed.state === "over") return { state: "ended", status, seen, gaveUp: undefined, retries, followedMs };
  log.warn(`Run ${runId} is given up: ${followed.why.reason}`);
  for (const line of await patiently(step, () => engine.cancel(runId))) log.info(`  ${line}`);
  return { state: "ended", status, seen, gaveUp: followed.why, retries, followedMs };
}

/** False where the engine refuses: the run is what it is. */
async function tryAgain({ log }: RunStep, submit: () => Promise<void>): Promise<boolean> {
  try {
    await submit();
    return true;
  } catch (error) {
    if (!isReleaseError(error, "CONFLICT")) throw error;
    log.warn(`It cannot be tried again: ${error.message}`);
    return false;
  }
}

type Retried = { readonly retries: number; readonly allowed: number };

function mayRetry({ state, status }: Followed, { retries, allowed }: Retried): boolean {
  if (state !== "over" || !status.canRetry) return false;
  return status.state === "lost" ? retries < LOST_RETRIES : status.state === "failed" && retries < allowed;
}

/** What the inputs allow. */
export function limitsOf({ inputs }: Pick<RunStep, "inputs">, attachedMs: number | undefined): Limits {
  return {
    waits: {
      startMs: inputs["start-timeout"],
      unschedulableMs: inputs["unschedulable-timeout"],
      imagePullMs: inputs["image-pull-timeout"],
    },
    gpuHours: inputs["max-gpu-hours"],
    attachedMs,
  };
}
