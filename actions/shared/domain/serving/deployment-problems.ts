import type { CapacityWish } from "../capacity/room-answer.ts";
import { type KubeObject, listAt, textAt, textsAt, valueAt } from "../manifest/object.ts";
import type { Problem } from "../problem.ts";
import { formatCount, formatPercent } from "../quantity.ts";
import { candidateName } from "./candidate-deployment.ts";
import type { DeploymentState } from "./deployment.ts";
import type { Route } from "./http-route.ts";
import { leastShare, podsFor } from "./pod-share.ts";
import type { DeploymentObjects } from "./read-deployment.ts";

/** A name of a Service has 63 characters. */
const LONGEST_NAME = 63;

/** What would keep a rollout from being carried out, by the objects alone. */
export function deploymentProblems(
  { stable, service }: DeploymentObjects,
  state: DeploymentState,
  capacity: CapacityWish = "extra",
): readonly Problem[] {
  const name = textAt(stable, ["metadata", "name"]) ?? "";
  return [
    ...owners(stable, name),
    ...selectors(stable, service, name),
    ...names(name, state.names.candidate),
    ...(valueAt(stable, ["spec", "paused"]) === true ? [paused(name)] : []),
    ...(state.stable.replicas === 0 ? [scaledDown(name)] : []),
    ...(capacity === "borrow" ? lendingProblems(name, state) : []),
    ...state.routes.flatMap((route) => routeProblems(route, state)),
  ];
}

/** Its template is written by something else, which would write it back. */
function owners(stable: KubeObject, name: string): readonly Problem[] {
  return listAt(stable, ["metadata", "ownerReferences"])
    .filter((owner) => valueAt(owner, ["controller"]) === true)
    .map((owner) => {
      const kind = textAt(owner, ["kind"]) ?? "";
      const target = OWNED_TARGETS[kind];
      return {
        rule: `the Deployment ${name} must be nobody else's: its owner would take every change back`,
        where: { input: "target" },
        saw: `it is owned by ${kind} ${textAt(owner, ["name"]) ?? ""}`,
        hint:
          target === undefined
            ? "change what its owner is made from, or deploy to a Deployment of your own"
            : `set target: ${target}/${textAt(owner, ["name"]) ?? "NAME"}`,
      };
    });
}

const OWNED_TARGETS: Readonly<Record<string, string>> = { InferenceService: "kserve", Rollout: "rollout" };

function selectors(stable: KubeObject, service: KubeObject, name: string): readonly Problem[] {
  const labels = textsAt(stable, ["spec", "selector", "matchLabels"]);
  const chosen = textsAt(service, ["spec", "selector"]);
  const problems: Problem[] = [];
  if (Object.keys(chosen).length === 0)
    problems.push({
      rule: `the service of ${name} must choose its pods by labels`,
      where: { input: "service" },
      saw: `${textAt(service, ["metadata", "name"])} has no selector`,
      hint: "name another service, or give it the selector of the Deployment",
    });
  if (Object.keys(labels).length === 0)
    problems.push({
      rule: `the Deployment ${name} must choose its pods by labels (selector.matchLabels)`,
      where: { input: "target" },
      saw: "only expressions, which the candidate's pods would match too",
      hint: "add a label to its selector (a new Deployment: selectors cannot be changed)",
    });
  return problems;
}

function names(name: string, service: string): readonly Problem[] {
  return [candidateName(name), service]
    .filter((one) => one.length > LONGEST_NAME)
    .map((one) => ({
      rule: `a name of the candidate has ${LONGEST_NAME} characters at most`,
      where: { input: "target" },
      saw: `${one}, ${one.length} characters`,
      hint: "deploy to a Deployment and a service with shorter names",
    }));
}

function paused(name: string): Problem {
  return {
    rule: `the Deployment ${name} must not be paused: its controller would roll nothing out`,
    where: { input: "target" },
    saw: "spec.paused: true",
    hint: `kubectl rollout resume deployment/${name}`,
  };
}

function scaledDown(name: string): Problem {
  return {
    rule: `the Deployment ${name} must serve: a candidate is compared with it`,
    where: { input: "target" },
    saw: "replicas: 0",
    hint: `kubectl scale deployment/${name} --replicas=1, or use strategy: rolling`,
  };
}

function lendingProblems(name: string, { mode, names: service, stable }: DeploymentState): readonly Problem[] {
  const where = { input: "capacity" };
  const pods = stable.loan?.from ?? stable.replicas;
  const alone: Problem = {
    rule: `the Deployment ${name} must have two pods or more to give one of them up for a candidate (capacity: borrow)`,
    where,
    saw: `replicas: ${pods}`,
    hint: "set strategy: recreate, with which the old pod ends first and nothing serves meanwhile; or free room for one more pod",
  };
  const unsplit: Problem = {
    rule: "pods can go from stable to the candidate only where an HTTPRoute splits requests (capacity: borrow)",
    where,
    saw: `no HTTPRoute with a backendRef to ${service.stable}: the share is one of pods`,
    hint: "put an HTTPRoute before the service, or set strategy: rolling with maxUnavailable: 1 and maxSurge: 0",
  };
  return [...(pods < 2 ? [alone] : []), ...(mode === "replicas" ? [unsplit] : [])];
}

/** Shares that no number of pods makes; told before anything is started. */
export function podShareProblems(shares: readonly number[], { mode, stable }: DeploymentState): readonly Problem[] {
  if (mode === "gateway") return [];
  return shares
    .filter((share) => podsFor(share, stable.replicas) === 0)
    .map((share) => ({
      rule: "where no HTTPRoute splits requests, a share is made of whole pods",
      saw: `${formatPercent(share)} beside ${formatCount(stable.replicas, "pod")} of stable`,
      allowed: `${formatPercent(leastShare(stable.replicas))} or more`,
      hint: "write larger steps, or put an HTTPRoute before the service",
    }));
}

function routeProblems({ name, rules, status }: Route, { names: { stable } }: DeploymentState): readonly Problem[] {
  const split = rules.flatMap(({ index, others, stable: own, refs }) => {
    const where = `rule ${index + 1} of HTTPRoute ${name}`;
    const weights = refs.map((ref) => `${textAt(ref, ["name"])} ${valueAt(ref, ["weight"]) ?? 1}`).join(", ");
    if (own === undefined || others.length > 0)
      return [
        {
          rule: `${where} must send to ${stable} alone, which is then split`,
          saw: weights,
          hint: "take the other backends out of the rule, or set their weight to 0",
        },
      ];
    const sum = refs.reduce((total, ref) => total + Number(valueAt(ref, ["weight"]) ?? 1), 0);
    if (sum > 0) return [];
    return [
      { rule: `the weights of ${where} must add up to more than 0`, saw: weights, hint: `give ${stable} a weight` },
    ];
  });
  if (status.state !== "refused") return split;
  return [
    ...split,
    {
      rule: `HTTPRoute ${name} must be in force: users come by it`,
      saw: status.why,
      hint: `see its status: kubectl describe httproute ${name}`,
    },
  ];
}
