import type { Json } from "../canonical.ts";
import { formatCount } from "../quantity.ts";
import { type Condition, type KubeObject, listAt, numberAt, recordAt, textAt, valueAt } from "./object.ts";

/** What an experiment found: its parameters as their declared types, its metrics as numbers where they are some. */
export type BestTrial = {
  readonly trial: string;
  readonly parameters: Readonly<Record<string, Json>>;
  readonly metrics: Readonly<Record<string, Json>>;
};

/** The best trial so far (`status.currentOptimalTrial`); undefined while no trial has been measured. */
export function bestTrialOf(experiment: KubeObject): BestTrial | undefined {
  const best = recordAt(experiment, ["status", "currentOptimalTrial"]);
  const trial = textAt(best, ["bestTrialName"]) ?? "";
  if (trial === "") return undefined;
  return {
    trial,
    parameters: assignmentsOf(experiment, best),
    metrics: observedMetrics(experiment, listAt(best, ["observation", "metrics"])),
  };
}

/** `parameterAssignments`, which are text, as the types that the experiment declares. */
export function assignmentsOf(experiment: KubeObject, holder: Json): Readonly<Record<string, Json>> {
  const types = new Map(
    listAt(experiment, ["spec", "parameters"]).map((one) => [textAt(one, ["name"]), textAt(one, ["parameterType"])]),
  );
  return Object.fromEntries(
    listAt(holder, ["parameterAssignments"]).flatMap((one) => {
      const [name, value] = [textAt(one, ["name"]), textAt(one, ["value"])];
      if (name === undefined || value === undefined) return [];
      return [[name, types.get(name) === "categorical" ? value : typed(value)]];
    }),
  );
}

/**
 * Of each metric the value that its strategy takes (`metricStrategies`: min, max or latest). Where none is stated, Katib takes the best one
 * in the direction of the objective.
 */
export function observedMetrics(experiment: KubeObject, metrics: readonly Json[]): Readonly<Record<string, Json>> {
  const objective = recordAt(experiment, ["spec", "objective"]);
  const usual = { minimize: "min", maximize: "max" }[textAt(objective, ["type"]) ?? ""] ?? "latest";
  const stated = new Map(
    listAt(objective, ["metricStrategies"]).map((one) => [textAt(one, ["name"]), textAt(one, ["value"])]),
  );
  return Object.fromEntries(
    metrics.flatMap((one) => {
      const name = textAt(one, ["name"]);
      if (name === undefined) return [];
      const value = textAt(one, [stated.get(name) ?? usual]) ?? textAt(one, ["latest"]);
      const number = value === undefined ? undefined : metricNumber(value);
      return number === undefined ? [] : [[name, number]];
    }),
  );
}

/** A metric that came as text: a number, or the words that JSON has for what is none. `unavailable` is no value. */
export function metricNumber(text: string): Json | undefined {
  const said = text.trim().toLowerCase();
  if (said === "nan") return "NaN";
  if (/^[+]?inf(inity)?$/.test(said)) return "Infinity";
  if (/^-inf(inity)?$/.test(said)) return "-Infinity";
  return said === "" || !Number.isFinite(Number(said)) ? undefined : Number(said);
}

/** How an experiment ended, in a sentence. Goal reached and trials exhausted both succeed, and are not the same. */
export function experimentSentence(experiment: KubeObject, { reason, message }: Condition): string {
  const best = bestTrialOf(experiment);
  const objective = textAt(experiment, ["spec", "objective", "objectiveMetricName"]) ?? "the objective";
  const goal = valueAt(experiment, ["spec", "objective", "goal"]);
  const found =
    best === undefined
      ? "no trial was measured"
      : `${objective} is ${JSON.stringify(best.metrics[objective] ?? "not known")} in trial ${best.trial}`;
  const asked = goal === undefined || goal === null ? "" : `, the goal is ${JSON.stringify(goal)}`;
  switch (reason) {
    case "ExperimentGoalReached":
      return `the goal was reached: ${found}${asked}`;
    case "ExperimentMaxTrialsReached":
      return `all trials were used up without reaching a goal: best of ${trialsOf(experiment)}: ${found}${asked}`;
    case "ExperimentSuggestionEndReached":
      return `the search space was used up without reaching a goal: best of ${trialsOf(experiment)}: ${found}${asked}`;
    case "ExperimentFailed":
      return `too many trials failed: ${counted(experiment, "trialsFailed")} failed, ${valueAt(experiment, ["spec", "maxFailedTrialCount"]) ?? "an unknown number"} may${message === "" ? "" : ` (${message})`}`;
    default:
      return [reason, message].filter(Boolean).join(": ") || "the experiment does not say why";
  }
}

/** `5 of 12 trials succeeded, 2 run, 1 failed; best: loss 0.02 in trial tune-x7`. */
export function experimentProgress(experiment: KubeObject): string | undefined {
  const status = recordAt(experiment, ["status"]);
  if (numberAt(status, ["trials"]) === undefined) return undefined;
  const max = numberAt(experiment, ["spec", "maxTrialCount"]);
  const best = bestTrialOf(experiment);
  const metrics = Object.entries(best?.metrics ?? {}).map(([name, value]) => `${name} ${value}`);
  const others = (
    [
      ["trialsRunning", "running"],
      ["trialsFailed", "failed"],
      ["trialsKilled", "killed"],
      ["trialsEarlyStopped", "stopped early"],
      ["trialMetricsUnavailable", "without metrics"],
    ] as const
  ).flatMap(([key, word]) => (counted(experiment, key) === 0 ? [] : [`${counted(experiment, key)} ${word}`]));
  const done = `${counted(experiment, "trialsSucceeded")}${max === undefined ? "" : ` of ${max}`} trials succeeded`;
  return (
    [done, ...others].join(", ") + (best === undefined ? "" : `; best: ${metrics.join(", ")} in trial ${best.trial}`)
  );
}

function trialsOf(experiment: KubeObject): string {
  return formatCount(counted(experiment, "trials"), "trial");
}

function counted(experiment: KubeObject, key: string): number {
  return numberAt(experiment, ["status", key]) ?? 0;
}

function typed(value: string): Json {
  return value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : value;
}
