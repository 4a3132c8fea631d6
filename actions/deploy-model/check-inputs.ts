import type { Problem } from "../shared/domain/problem.ts";
import { CLUSTER_KINDS, parseTargetName, type TargetName } from "../shared/domain/serving/target-name.ts";
import type { DeployModelInputs } from "./inputs.ts";

type Given = Partial<DeployModelInputs>;
type Name = keyof DeployModelInputs;
type Kind = TargetName["kind"];

/** `auto` finds one of them. */
const CLUSTER: readonly Kind[] = ["auto", ...CLUSTER_KINDS];

/** Inputs that some targets alone look at. Those with a default are left out: nobody could say whether they were given. */
const TARGETS_OF: Readonly<Partial<Record<Name, readonly Kind[]>>> = {
  serve: ["local"],
  "serve-context": ["local"],
  "serve-env": ["local"],
  rate: ["local"],
  keep: ["local"],
  namespace: CLUSTER,
  kubeconfig: CLUSTER,
  context: CLUSTER,
  prometheus: CLUSTER,
  "prometheus-token": CLUSTER,
  "prometheus-headers": CLUSTER,
  capacity: CLUSTER,
  container: ["auto", "deployment", "rollout"],
  service: ["auto", "deployment"],
  // a Rollout stops where its own steps say
  steps: ["local", "auto", "deployment", "kserve"],
  drain: CLUSTER,
};

/** What the inputs, each right by itself, say against each other. */
export function checkInputs(inputs: Given): readonly Problem[] {
  // Judging again what was written down needs no target.
  if (inputs.mode === "replay") return [];
  const target = parseTargetName(inputs.target ?? "local");
  if (target.state === "bad") return target.problems;
  const { kind } = target.value;
  return [...kindProblems(inputs, kind), ...metricsProblems(inputs, kind)];
}

/** Inputs that do not fit the kind of the target: for `auto` judged again once it is found. */
export function kindProblems(inputs: Given, kind: Kind): readonly Problem[] {
  return [...targetProblems(inputs, kind), ...strategyProblems(inputs, kind), ...capacityProblems(inputs, kind)];
}

function targetProblems(inputs: Given, kind: Kind): readonly Problem[] {
  return Object.entries(TARGETS_OF)
    .filter(([name, kinds]) => isGiven(inputs[name as Name]) && !kinds.includes(kind))
    .map(([name, kinds]) => ({
      rule: `means nothing to the target \`${kind}\``,
      where: { input: name },
      allowed: kinds.map((one) => (one === "local" || one === "auto" ? one : `${one}/NAME`)).join(", "),
      hint:
        kind === "local"
          ? `remove \`${name}\`, or say which object of the cluster serves: \`target\``
          : `remove \`${name}\``,
    }));
}

function strategyProblems({ strategy, steps }: Given, kind: Kind): readonly Problem[] {
  if (strategy === undefined || strategy === "canary") return [];
  if (kind !== "deployment" && kind !== "auto")
    return [
      {
        rule: `the target \`${kind}\` has no strategy \`${strategy}\``,
        where: { input: "strategy" },
        allowed: "canary",
        hint: "use target: deployment/NAME, or leave `strategy` out",
      },
    ];
  return steps === undefined ? [] : [contradiction("steps", `strategy: ${strategy}`, "steps are shares of a canary")];
}

function capacityProblems({ capacity, strategy }: Given, kind: Kind): readonly Problem[] {
  if (capacity !== "borrow") return [];
  if (kind !== "local" && kind !== "auto" && kind !== "deployment")
    return [
      {
        rule: `the target \`${kind}\` has no capacity \`borrow\`: its own controller says how many pods each version has`,
        where: { input: "capacity" },
        allowed: "extra, assume-autoscaler",
        hint: "free the room for a candidate, or serve by target: deployment/NAME",
      },
    ];
  return strategy === undefined || strategy === "canary"
    ? []
    : [
        contradiction(
          "capacity",
          `strategy: ${strategy}`,
          "only a candidate beside stable takes the place of its pods",
        ),
      ];
}

/** Modes that send traffic to a candidate, or plan to. */
const ROLLING_OUT: readonly (string | undefined)[] = [undefined, "deploy", "plan", "promote"];

function metricsProblems(inputs: Given, kind: Kind): readonly Problem[] {
  if (inputs.prometheus !== undefined) return [];
  const { mode, strategy = "canary" } = inputs;
  if (kind !== "local" && strategy === "canary" && ROLLING_OUT.includes(mode))
    return [
      {
        rule: "a canary on a cluster needs somebody who counts its traffic",
        where: { input: "prometheus" },
        saw: "nothing",
        hint: "give the address of the Prometheus that scrapes the gateway or the servers; or take strategy: rolling (target: deployment/NAME), which compares nothing",
      },
    ];
  return (["prometheus-token", "prometheus-headers"] as const)
    .filter((name) => isGiven(inputs[name]))
    .map((name) => ({
      rule: "goes with `prometheus`",
      where: { input: name },
      hint: "give the address of the server too, or remove it",
    }));
}

function contradiction(one: string, other: string, why: string): Problem {
  return {
    rule: `\`${one}\` and \`${other}\` contradict each other: ${why}`,
    where: { input: one },
    hint: "give one of the two",
  };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== "";
}
