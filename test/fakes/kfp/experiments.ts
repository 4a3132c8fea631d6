import { type Answer, failure, type JsonObject, ok } from "./answer.ts";
import { textOf } from "./fields.ts";
import { type Listable, listBody, pageOf } from "./listing.ts";
import { readMessage } from "./proto-json.ts";
import { type Experiment, type KfpState, serverNow, timeText } from "./state.ts";

const EXPERIMENTS: Listable<Experiment> = {
  plural: "experiments",
  type: "Experiment",
  model: "experiments",
  prefix: "experiments.",
  idOf: (one) => one.id,
  columns: {
    id: { column: "UUID", of: (one) => one.id },
    experiment_id: { column: "UUID", of: (one) => one.id },
    name: { column: "Name", of: (one) => one.displayName },
    display_name: { column: "Name", of: (one) => one.displayName },
    created_at: { column: "CreatedAtInSec", of: (one) => Math.floor(one.createdMs / 1_000) },
    last_run_created_at: { column: "LastRunCreatedAtInSec", of: (one) => Math.floor(one.lastRunMs / 1_000) },
    namespace: { column: "Namespace", of: (one) => one.namespace },
    storage_state: { column: "StorageState", of: (one) => one.storageState },
  },
};

const MESSAGE = {
  experiment_id: "any",
  display_name: "any",
  description: "any",
  created_at: "any",
  namespace: "any",
  storage_state: "any",
  last_run_created_at: "any",
} as const;

export function createExperiment(state: KfpState, text: string): Answer {
  const body = readMessage(text, MESSAGE);
  const name = textOf(body.display_name);
  if (name === "")
    return failure(
      13,
      "[ExperimentServer]: Failed to create a experiment due to conversion error: InternalServerError: Failed to convert API experiment to model experiment: Invalid input error: Experiment must have a non-empty name",
      "",
    );
  const namespace = state.settings.multiUser ? textOf(body.namespace) : "";
  if (state.settings.multiUser && namespace === "") {
    const inner = "Experiment has empty namespace";
    return failure(3, `Failed to create a experiment: Invalid input error: ${inner}`, inner);
  }
  if (findExperiment(state, name, namespace)) {
    const inner = `Failed to create a new experiment. The name ${name} already exists. Please specify a new name`;
    return failure(6, `Failed to create a experiment: Already exist error: ${inner}`, inner);
  }
  return ok(experimentBody(addExperiment(state, { name, namespace, description: textOf(body.description) })));
}

type NewExperiment = { readonly name: string; readonly namespace: string; readonly description: string };

function addExperiment(state: KfpState, { name, namespace, description }: NewExperiment): Experiment {
  const experiment: Experiment = {
    id: state.newId("experiment"),
    displayName: name,
    description,
    namespace,
    createdMs: serverNow(state),
    storageState: "AVAILABLE",
    lastRunMs: 0,
  };
  state.experiments.set(experiment.id, experiment);
  return experiment;
}

/** Where a run goes that names none. */
export function defaultExperiment(state: KfpState): Experiment {
  return (
    findExperiment(state, "Default", "") ?? addExperiment(state, { name: "Default", namespace: "", description: "" })
  );
}

function findExperiment(state: KfpState, name: string, namespace: string): Experiment | undefined {
  return [...state.experiments.values()].find((one) => one.displayName === name && one.namespace === namespace);
}

export function getExperiment(state: KfpState, id: string): Answer {
  const found = state.experiments.get(id);
  const inner = `Experiment ${id} not found`;
  return found
    ? ok(experimentBody(found))
    : failure(5, `Failed to fetch experiment: ResourceNotFoundError: ${inner}`, inner);
}

export function listExperiments(state: KfpState, query: URLSearchParams): Answer {
  const namespace = state.settings.multiUser ? (query.get("namespace") ?? "") : "";
  const own = [...state.experiments.values()].filter((one) => one.namespace === namespace);
  const page = pageOf(state, own, { of: EXPERIMENTS, query });
  return ok(listBody("experiments", { ...page, items: page.items.map(experimentBody) }));
}

export function storeExperiment(state: KfpState, id: string, storageState: Experiment["storageState"]): Answer {
  const found = state.experiments.get(id);
  if (!found) return getExperiment(state, id);
  found.storageState = storageState;
  return ok({});
}

export function deleteExperiment(state: KfpState, id: string): Answer {
  const answer = getExperiment(state, id);
  state.experiments.delete(id);
  return answer.status === 200 ? ok({}) : answer;
}

function experimentBody(one: Experiment): JsonObject {
  return {
    experiment_id: one.id,
    display_name: one.displayName,
    ...(one.description === "" ? {} : { description: one.description }),
    created_at: timeText(one.createdMs),
    ...(one.namespace === "" ? {} : { namespace: one.namespace }),
    storage_state: one.storageState,
    last_run_created_at: timeText(one.lastRunMs),
  };
}
