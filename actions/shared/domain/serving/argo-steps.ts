import { type KubeObject, listAt, numberAt, recordAt, textAt, valueAt } from "../manifest/object.ts";
import type { Problem } from "../problem.ts";
import { formatPercent } from "../quantity.ts";

/** A step of a Rollout at which it waits until it is told to go on, and the candidate's share there. */
export type Stop = {
  /** Index among the steps. */
  readonly step: number;
  readonly weight: number;
  readonly share: number;
};

/** The canary steps of a Rollout, as far as somebody who drives it has to know them. */
export type ArgoSteps = {
  readonly stops: readonly Stop[];
  readonly count: number;
  /** The weight that each step is taken with, by index. */
  readonly weights: readonly number[];
  readonly maxWeight: number;
  /** Requests are split by a traffic router, not by the number of pods. */
  readonly isRouted: boolean;
  /** Steps that go on by themselves, in Argo's words: `pause: 10m`, `analysis`. */
  readonly own: readonly string[];
};

/** What a share is made of where pods make it. */
export type PodCounts = { readonly replicas: number; readonly maxSurge: number };

/** Reads `spec.strategy.canary`. `replicas`: how many pods shares are made of; default those that the Rollout asks for now. */
export function stepsOf(rollout: KubeObject, replicas?: number): ArgoSteps {
  const canary = recordAt(rollout, ["spec", "strategy", "canary"]);
  const router = valueAt(canary, ["trafficRouting"]);
  const isRouted = router !== undefined && router !== null;
  const maxWeight = numberAt(canary, ["trafficRouting", "maxTrafficWeight"]) ?? 100;
  const wanted = replicas ?? numberAt(rollout, ["spec", "replicas"]) ?? 1;
  const counts = { replicas: wanted, maxSurge: maxSurgeOf(canary, wanted) };
  const shareOf = (weight: number) => (isRouted ? weight / maxWeight : ratioShare(weight, counts));
  const steps = listAt(canary, ["steps"]);
  const weights: number[] = [];
  const stops: Stop[] = [];
  const own: string[] = [];
  for (const [i, step] of steps.entries()) {
    const weight = numberAt(step, ["setWeight"]) ?? weights.at(-1) ?? 0;
    weights.push(weight);
    if (isEndlessPause(step)) stops.push({ step: i, weight, share: shareOf(weight) });
    else if (numberAt(step, ["setWeight"]) === undefined) own.push(formatStep(step));
  }
  return { stops, count: steps.length, weights, maxWeight, isRouted, own };
}

/** The shares of the traffic at which a Rollout waits for a verdict, rising; what is 0 or all of it is no step of a plan. */
export function sharesOf({ stops }: ArgoSteps): readonly number[] {
  const shares = stops.map(({ share }) => share).filter((share) => share > 0 && share < 1);
  return shares.filter((share, i) => shares.indexOf(share) === i);
}

/** The candidate has its pods, or at least its template, before it has a share: the Rollout waits for us before its first weight. */
export function hasDarkStart({ stops }: ArgoSteps): boolean {
  return stops[0]?.share === 0;
}

/** Why a Rollout cannot be driven step by step, and what to write instead. */
export function stepProblems(rollout: KubeObject): readonly Problem[] {
  const name = textAt(rollout, ["metadata", "name"]) ?? "";
  const where = { input: "target" };
  if (valueAt(rollout, ["spec", "workloadRef"]) !== undefined)
    return [
      {
        rule: `Rollout ${name} must hold its own pod template`,
        where,
        saw: `spec.workloadRef to ${textAt(rollout, ["spec", "workloadRef", "kind"]) ?? "another object"} ${textAt(rollout, ["spec", "workloadRef", "name"]) ?? ""}`,
        hint: "move the template into spec.template of the Rollout: what is changed and what is gone back to must be one object",
      },
    ];
  if (valueAt(rollout, ["spec", "strategy", "canary"]) === undefined)
    return [
      {
        rule: `Rollout ${name} must have the strategy canary`,
        where,
        saw: Object.keys(recordAt(rollout, ["spec", "strategy"])).join(", ") || "none",
        hint: `write spec.strategy.canary.steps:\n${EXAMPLE}`,
      },
    ];
  const steps = stepsOf(rollout);
  const passed = unjudgedWeights(rollout, steps);
  if (passed.length > 0) return passed.map((problem) => ({ ...problem, where }));
  const falling = steps.stops.find(({ share }, i) => share < (steps.stops[i - 1]?.share ?? 0));
  if (falling !== undefined)
    return [
      {
        rule: `the weights of Rollout ${name} must rise`,
        where,
        saw: `setWeight: ${falling.weight} before steps[${falling.step}]`,
        hint: "order the steps",
      },
    ];
  if (sharesOf(steps).length > 0) return [];
  return [unsplit(name, rollout, steps)];
}

/** `20 % (4 pods of 20)` where pods make the share, and the weight says something else. */
export function formatStop({ weight, share }: Stop, { isRouted, maxWeight }: ArgoSteps): string {
  const said = formatPercent(share);
  const asked = weight / maxWeight;
  return isRouted || Math.abs(asked - share) < 1e-9 ? said : `${said} (setWeight: ${weight}, rounded to whole pods)`;
}

/**
 * The candidate's share of the pods that the controller makes of a weight without a traffic router: the nearest that whole pods give, with
 * one pod more than wanted where it may surge, never none of either arm while the weight is between nothing and everything.
 */
export function ratioShare(weight: number, { replicas, maxSurge }: PodCounts): number {
  if (replicas === 0) return 0;
  if (weight <= 0) return 0;
  if (weight >= 100) return 1;
  const exact = (replicas * weight) / 100;
  const [floor, ceil] = [Math.floor(exact), Math.ceil(exact)];
  const mayBeNone = replicas === 1 && maxSurge === 0;
  const isTied = (total: number) => (total * weight) % 100 === 50;
  const totals = maxSurge > 0 ? [replicas, replicas + 1] : [replicas];
  const options = totals.flatMap((total) => [
    ...(total > replicas || ceil < replicas || mayBeNone ? [{ canary: ceil, total }] : []),
    ...(!isTied(total) && (floor !== 0 || mayBeNone) ? [{ canary: floor, total }] : []),
  ]);
  const delta = (option: { readonly canary: number; readonly total: number }) =>
    Math.abs((option.canary * 100) / option.total - weight);
  const [first, ...others] = options;
  if (first === undefined) return 0;
  const best = others.reduce((found, option) => (delta(option) < delta(found) ? option : found), first);
  return best.canary / best.total;
}

const EXAMPLE = "- setWeight: 10\n- pause: {}\n- setWeight: 50\n- pause: {}";

function isEndlessPause(step: unknown): boolean {
  const pause = valueAt(step as KubeObject, ["pause"]);
  return pause !== undefined && pause !== null && valueAt(pause, ["duration"]) === undefined;
}

/** A weight that is left without a verdict: the Rollout would go on by itself. */
function unjudgedWeights(rollout: KubeObject, { maxWeight }: ArgoSteps): readonly Problem[] {
  const steps = listAt(rollout, ["spec", "strategy", "canary", "steps"]);
  return steps.flatMap((step, i): readonly Problem[] => {
    const weight = numberAt(step, ["setWeight"]);
    if (weight === undefined || weight <= 0 || weight >= maxWeight) return [];
    const rest = steps.slice(i + 1);
    const next = rest.findIndex((one) => numberAt(one, ["setWeight"]) !== undefined);
    if ((next === -1 ? rest : rest.slice(0, next)).some(isEndlessPause)) return [];
    return [
      {
        rule: `steps[${i}] (setWeight: ${weight}) must be followed by a pause without a duration: the judge decides there, and the Rollout would go on without it`,
        saw: rest[0] === undefined ? "the end of the steps" : formatStep(rest[0]),
        allowed: "pause: {}",
        hint: `write after it:\n- pause: {}`,
      },
    ];
  });
}

function unsplit(name: string, rollout: KubeObject, steps: ArgoSteps): Problem {
  const where = { input: "target" };
  const between = steps.weights.some((weight) => weight > 0 && weight < steps.maxWeight);
  if (!between)
    return {
      rule: `Rollout ${name} must stop at a part of the traffic`,
      where,
      saw: steps.count === 0 ? "no steps" : "no setWeight between nothing and everything",
      hint: `write spec.strategy.canary.steps:\n${EXAMPLE}`,
    };
  return {
    rule: `Rollout ${name} must have enough pods to be split`,
    where,
    saw: `${numberAt(rollout, ["spec", "replicas"]) ?? 1} replicas and no traffic router`,
    hint: "ask for more replicas, allow maxSurge, or set spec.strategy.canary.trafficRouting",
  };
}

/**
 * How many pods the controller makes beside those of stable, at the most. A router splits between two whole sets, unless stable shrinks as
 * the candidate grows; where pods make the share, those that may surge, and none where one of stable may go first.
 */
export function podsBeside(rollout: KubeObject): number {
  const replicas = numberAt(rollout, ["spec", "replicas"]) ?? 1;
  const canary = recordAt(rollout, ["spec", "strategy", "canary"]);
  const { isRouted, weights, maxWeight } = stepsOf(rollout);
  if (isRouted && valueAt(canary, ["dynamicStableScale"]) !== true) return replicas;
  if (isRouted) {
    const rises = [...weights, maxWeight].map((weight, i) => weight - (weights[i - 1] ?? 0));
    return Math.ceil((Math.max(...rises) / maxWeight) * replicas - 1e-9);
  }
  const mayGoFirst = partOf(valueAt(canary, ["maxUnavailable"]), replicas, Math.floor) > 0;
  return mayGoFirst ? 0 : Math.min(replicas, maxSurgeOf(canary, replicas));
}

/** A number, or a part of the replicas, which is rounded up. The default of Argo is a quarter. */
function maxSurgeOf(canary: KubeObject, replicas: number): number {
  return partOf(valueAt(canary, ["maxSurge"]), replicas, Math.ceil);
}

function partOf(value: unknown, replicas: number, round: (part: number) => number): number {
  const said = value ?? "25%";
  if (typeof said === "number") return said;
  const percent = /^(\d+)%$/.exec(String(said))?.[1];
  return percent === undefined ? 0 : round((replicas * Number(percent)) / 100);
}

function formatStep(step: unknown): string {
  const object = step as KubeObject;
  const [kind = "", ...others] = Object.keys(recordAt(object, []));
  const duration = valueAt(object, ["pause", "duration"]);
  if (kind === "pause" && duration !== undefined) return `pause: ${String(duration)}`;
  if (kind === "setWeight") return `setWeight: ${String(valueAt(object, ["setWeight"]))}`;
  return [kind, ...others].join(", ");
}
