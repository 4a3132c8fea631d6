import { type Answer, failure, type JsonObject, ok } from "./answer.ts";
import { isObject, readMessage } from "./proto-json.ts";
import { type KfpState, type RecurringRun, serverNow, timeText } from "./state.ts";

const MESSAGE = {
  recurring_run_id: "any",
  display_name: "any",
  description: "any",
  pipeline_version_id: "any",
  pipeline_version_reference: { pipeline_id: "any", pipeline_version_id: "any" },
  pipeline_spec: "any",
  runtime_config: { parameters: "any", pipeline_root: "any" },
  service_account: "any",
  max_concurrency: "any",
  trigger: "any",
  mode: "any",
  no_catchup: "any",
  namespace: "any",
  experiment_id: "any",
} as const;

export function createRecurringRun(state: KfpState, text: string): Answer {
  const body = readMessage(text, MESSAGE);
  const trigger = isObject(body.trigger) ? body.trigger : {};
  const schedule = isObject(trigger.cron_schedule) ? trigger.cron_schedule : {};
  const cron = String(schedule.cron ?? "");
  const fields = cron.split(/\s+/).length;
  if (fields < 5 || fields > 6) {
    const inner = `Schedule cron is not a supported format(https://godoc.org/github.com/robfig/cron). Error: Expected 5 to 6 fields, found ${fields}: ${cron}`;
    return failure(3, `Failed to create a recurring run due to conversion error: Invalid input error: ${inner}`, inner);
  }
  const run = {
    id: state.newId("recurring-run"),
    createdMs: serverNow(state),
    body,
    enabled: body.mode === "ENABLE",
  };
  state.recurringRuns.set(run.id, run);
  return ok(bodyOf(state, run));
}

export function getRecurringRun(state: KfpState, id: string): Answer {
  const found = state.recurringRuns.get(id);
  return found ? ok(bodyOf(state, found)) : none(id);
}

function none(id: string): Answer {
  const inner = `Job ${id} not found`;
  return failure(5, `Failed to get a recurring run: ResourceNotFoundError: ${inner}`, inner);
}

export function listRecurringRuns(state: KfpState): Answer {
  const all = [...state.recurringRuns.values()].map((one) => bodyOf(state, one));
  const key = state.switches.has("recurring-runs-in-camel-case") ? "recurringRuns" : "recurring_runs";
  return ok(all.length === 0 ? {} : { [key]: all, total_size: all.length });
}

export function setRecurringRun(state: KfpState, id: string, enabled: boolean): Answer {
  const found = state.recurringRuns.get(id);
  if (!found) return none(id);
  found.enabled = enabled;
  return ok({});
}

export function deleteRecurringRun(state: KfpState, id: string): Answer {
  return state.recurringRuns.delete(id) ? ok({}) : none(id);
}

function bodyOf(state: KfpState, { id, createdMs, body, enabled }: RecurringRun): JsonObject {
  const { mode: _, experiment_id: experiment, no_catchup: noCatchup, ...given } = body;
  return {
    recurring_run_id: id,
    ...given,
    service_account: body.service_account ?? "pipeline-runner",
    mode: enabled ? "ENABLE" : "DISABLE",
    created_at: timeText(createdMs),
    updated_at: timeText(createdMs),
    status: enabled ? "ENABLED" : "DISABLED",
    ...(noCatchup === undefined ? {} : { no_catchup: noCatchup }),
    namespace: state.settings.namespace,
    ...(experiment === undefined ? {} : { experiment_id: experiment }),
  };
}
