import * as v from "valibot";
import type { Parameters } from "../../domain/pipeline/parameters.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Connection, findAnswer, type KfpAnswer, readAnswer, refusal, SERVICE } from "./connection.ts";

const TaskDetailSchema = v.looseObject({
  task_id: v.optional(v.string()),
  display_name: v.optional(v.string(), ""),
  state: v.optional(v.string(), ""),
});

export const RunSchema = v.looseObject({
  run_id: v.string(),
  display_name: v.optional(v.string()),
  experiment_id: v.optional(v.string()),
  state: v.optional(v.string()),
  created_at: v.optional(v.string()),
  finished_at: v.optional(v.string()),
  error: v.optional(v.looseObject({ message: v.optional(v.string()) })),
  pipeline_version_reference: v.optional(
    v.looseObject({ pipeline_id: v.optional(v.string()), pipeline_version_id: v.optional(v.string()) }),
  ),
  state_history: v.optional(v.array(v.looseObject({ state: v.optional(v.string()) })), []),
  run_details: v.optional(v.looseObject({ task_details: v.optional(v.array(TaskDetailSchema), []) })),
  /** Of 3.0, where the whole view is asked for. */
  tasks: v.optional(v.array(v.unknown())),
});

export type KfpRun = v.InferOutput<typeof RunSchema>;

const API = "/apis/v2beta1/runs";

export type Patience = { readonly attempts?: number; readonly timeoutMs?: number };

/** One run; undefined where the server does not know it. */
export async function getRun(
  connection: Connection & { readonly native: boolean },
  runId: string,
  patience: Patience = {},
): Promise<KfpRun | undefined> {
  const query = connection.native ? { view: "FULL" } : {};
  const answer = await connection.call({ path: `${API}/${runId}`, query, ...patience });
  return findAnswer(RunSchema, answer, `tell of the run ${runId}`);
}

export type AwaitRun = {
  readonly clock: Clock;
  readonly ms: number;
  readonly everyMs: number;
  readonly is: (run: KfpRun) => boolean;
};

/** A run as soon as it is there and as it should be; undefined where it is not after `ms`. A server that is away is asked again. */
export async function awaitRun(
  connection: Connection & { readonly native: boolean },
  runId: string,
  { clock, ms, everyMs, is }: AwaitRun,
): Promise<KfpRun | undefined> {
  const until = clock.now() + ms;
  for (;;) {
    const run = await getRun(connection, runId, { attempts: 1 }).catch((error: unknown) => {
      if (isReleaseError(error, "UNAVAILABLE")) return undefined;
      throw error;
    });
    if (run !== undefined && is(run)) return run;
    if (clock.now() >= until) return undefined;
    await clock.sleep(everyMs);
  }
}

export type NewRun = {
  readonly runId: string;
  readonly title: string;
  readonly description: string;
  readonly experimentId: string;
  readonly pipelineId: string;
  readonly versionId: string;
  readonly parameters: Parameters;
  readonly pipelineRoot: string | undefined;
  readonly serviceAccount: string | undefined;
};

/** How long a run whose creation was not answered is looked for: a server writes it down within seconds, or never. */
const SETTLE_MS = 60_000;
const SETTLE_LOOK_MS = 2_000;
/** A 500 is an answer: what is to be written down is. */
const ANSWERED_MS = 6_000;

/**
 * Starts a run under our id, at most once. The server starts the workflow before it writes the run down, and a second time for a second
 * request: an answer that is lost, or a 500, is settled by asking for the run.
 */
export async function createRun(
  connection: Connection & { readonly native: boolean },
  run: NewRun,
  clock: Clock,
): Promise<KfpRun> {
  const posted = await post(connection, run);
  if (posted.state === "started") return posted.run;
  if (posted.state === "refused" && posted.status !== 500) throw refusal(startAct(run), posted);
  const found = await awaitRun(connection, run.runId, {
    clock,
    ms: posted.state === "refused" ? ANSWERED_MS : SETTLE_MS,
    everyMs: SETTLE_LOOK_MS,
    is: () => true,
  });
  if (found !== undefined) return found;
  if (posted.state === "refused") throw failedToStart(run, posted);
  throw new ReleaseError(
    "UNAVAILABLE",
    {
      rule: `${SERVICE} did not answer the request to start run ${run.runId}, and does not know the run since`,
      saw: posted.error.message,
      hint: "run the step again: it looks for the run first. A workflow with label pipeline/runid may be left in the cluster",
    },
    posted.error,
  );
}

type Lost = { readonly state: "lost"; readonly error: Error };

type Posted = { readonly state: "started"; readonly run: KfpRun } | Extract<KfpAnswer, { state: "refused" }> | Lost;

const startAct = ({ runId }: NewRun) => `start the run ${runId}`;

async function post(connection: Connection, run: NewRun): Promise<Posted> {
  try {
    const answer = await connection.call({
      method: "POST",
      path: API,
      attempts: 1,
      timeoutMs: 60_000,
      json: {
        run_id: run.runId,
        display_name: run.title,
        description: run.description,
        experiment_id: run.experimentId,
        pipeline_version_reference: { pipeline_id: run.pipelineId, pipeline_version_id: run.versionId },
        runtime_config: {
          parameters: run.parameters,
          ...(run.pipelineRoot === undefined ? {} : { pipeline_root: run.pipelineRoot }),
        },
        ...(run.serviceAccount === undefined ? {} : { service_account: run.serviceAccount }),
      },
    });
    if (answer.state === "refused")
      return isOfServer(answer) ? answer : { state: "lost", error: refusal(startAct(run), answer) };
    return { state: "started", run: readAnswer(RunSchema, answer, startAct(run)) };
  } catch (error) {
    // a cut answer may be no JSON or none at all; who refuses our credentials has not started anything
    if (isReleaseError(error, "UNAVAILABLE", "PROTOCOL", "TIMEOUT")) return { state: "lost", error };
    throw error;
  }
}

/** A 500 in other words than the server's comes from somebody in between, who knows nothing of the run. */
function isOfServer({ status, error }: Extract<KfpAnswer, { state: "refused" }>): boolean {
  return status !== 500 || error.code !== undefined;
}

function failedToStart(run: NewRun, { error }: Extract<KfpAnswer, { state: "refused" }>): ReleaseError {
  return new ReleaseError("CONFLICT", {
    rule: `${SERVICE} could not start the run ${run.runId}, and does not know it`,
    saw: `500: ${error.message}`,
    hint: "mend what it says; run the step again after that",
  });
}

/** What a call that ends or repeats a run came to: `refused` where the run is not in a state for it. */
export type ActOnRun = { readonly state: "done" } | { readonly state: "refused"; readonly why: string } | Lost;

/** Ends a run. One that has ended, or is being ended, is refused. */
export function terminateRun(connection: Connection, runId: string, patience: Patience = {}): Promise<ActOnRun> {
  return act(connection, { runId, verb: "terminate", refusedBy: [400, 404, 409], patience });
}

/** Starts what failed in a run again, in the same run. */
export function retryRun(connection: Connection, runId: string): Promise<ActOnRun> {
  return act(connection, { runId, verb: "retry", refusedBy: [400, 409], patience: { attempts: 1 } });
}

async function act(
  connection: Connection,
  wanted: {
    readonly runId: string;
    readonly verb: "terminate" | "retry";
    readonly refusedBy: readonly number[];
    readonly patience: Patience;
  },
): Promise<ActOnRun> {
  const { runId, verb, refusedBy, patience } = wanted;
  try {
    const answer = await connection.call({ method: "POST", path: `${API}/${runId}:${verb}`, ...patience });
    if (answer.state === "ok") return { state: "done" };
    if (refusedBy.includes(answer.status)) return { state: "refused", why: answer.error.message };
    const error = refusal(`${verb} the run ${runId}`, answer);
    if (answer.status === 500) return { state: "lost", error };
    throw error;
  } catch (error) {
    if (isReleaseError(error, "UNAVAILABLE", "PROTOCOL", "TIMEOUT")) return { state: "lost", error };
    throw error;
  }
}
