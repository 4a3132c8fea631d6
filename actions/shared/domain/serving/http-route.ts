import type { Json } from "../canonical.ts";
import { type KubeObject, listAt, numberAt, recordAt, textAt } from "../manifest/object.ts";
import { parseJson } from "../parse-json.ts";
import { FORMER_MARK } from "./marks.ts";

/** Weights of a rule that we split add up to this: a share is in force to a hundredth of a percent. */
export const WEIGHTS = 10_000;

export type BackendNames = { readonly stable: string; readonly candidate: string; readonly namespace: string };

/** One rule that sends requests to the stable service, or to the candidate's. */
export type RouteRule = {
  readonly index: number;
  readonly refs: readonly KubeObject[];
  readonly stable: number | undefined;
  readonly candidate: number | undefined;
  /** Of the rule's weights the part that is the candidate's. */
  readonly share: number;
  /** What else gets requests by this rule. */
  readonly others: readonly string[];
};

/** What the gateways say of a route as it is now. */
export type RouteStatus =
  | { readonly state: "accepted" }
  | { readonly state: "waiting"; readonly why: string }
  | { readonly state: "refused"; readonly why: string };

export type Route = {
  readonly name: string;
  readonly hostnames: readonly string[];
  readonly rules: readonly RouteRule[];
  readonly status: RouteStatus;
  readonly hasAnnotations: boolean;
  /** Weights of the stable service before we split, rule by rule; undefined where we did not. */
  readonly former: readonly number[] | undefined;
};

/** Undefined for a route that names neither service. */
export function readRoute(object: KubeObject, names: BackendNames): Route | undefined {
  const rules = listAt(object, ["spec", "rules"]).flatMap((rule, index) => readRule(rule, index, names) ?? []);
  const former = formerOf(object);
  if (rules.length === 0) return undefined;
  return {
    name: textAt(object, ["metadata", "name"]) ?? "",
    hostnames: listAt(object, ["spec", "hostnames"]).filter((one) => typeof one === "string"),
    rules,
    status: routeStatus(object),
    hasAnnotations: Object.keys(recordAt(object, ["metadata", "annotations"])).length > 0,
    former,
  };
}

/** The largest part of the requests of any rule that is the candidate's. */
export function routedShare(routes: readonly Route[]): number {
  return Math.max(0, ...routes.flatMap(({ rules }) => rules.map(({ share }) => share)));
}

/** How a share is written. Never more than what was asked for. */
export function weightOf(share: number): number {
  return Math.floor(share * WEIGHTS + 1e-6);
}

export type RouteOperation =
  | { readonly op: "test" | "add" | "replace"; readonly path: string; readonly value: Json }
  | { readonly op: "remove"; readonly path: string };

/**
 * What makes the route send this share to the candidate, in all of its rules at once and only if they are as they were read; empty where it
 * does so. A share of 0 is the route as its owner wrote it: without the candidate.
 */
export function splitRoute(route: Route, names: BackendNames, share: number): readonly RouteOperation[] {
  const weight = weightOf(share);
  const split = route.rules.flatMap((rule, i) => {
    const refs = weight === 0 ? restoredRefs(rule, route.former?.[i]) : splitRefs(rule, names, weight);
    return refs === undefined ? [] : [{ rule, refs }];
  });
  const isMarked = route.former !== undefined;
  if (split.length === 0 && isMarked === weight > 0) return [];
  const rules = split.flatMap(({ rule, refs }) => {
    const path = `/spec/rules/${rule.index}/backendRefs`;
    return [{ op: "test", path, value: rule.refs } as const, { op: "replace", path, value: refs } as const];
  });
  return [...rules, ...markOperations(route, weight > 0)];
}

const FORMER_PATH = `/metadata/annotations/${FORMER_MARK.replaceAll("/", "~1")}`;

function markOperations(route: Route, wanted: boolean): readonly RouteOperation[] {
  if (!wanted) return route.former === undefined ? [] : [{ op: "remove", path: FORMER_PATH }];
  if (route.former !== undefined) return [];
  const weights = route.rules.map(({ refs, stable }) => weightAt(refs[stable ?? -1]));
  const value = JSON.stringify({ weights });
  if (route.hasAnnotations) return [{ op: "add", path: FORMER_PATH, value }];
  return [{ op: "add", path: "/metadata/annotations", value: { [FORMER_MARK]: value } }];
}

/** Undefined where nothing is to be changed. */
function splitRefs(rule: RouteRule, names: BackendNames, weight: number): readonly KubeObject[] | undefined {
  const { refs, stable, candidate } = rule;
  const own = stable === undefined ? undefined : refs[stable];
  if (own === undefined) return undefined;
  const now = candidate === undefined ? undefined : refs[candidate];
  if (weightAt(own) === WEIGHTS - weight && now !== undefined && weightAt(now) === weight) return undefined;
  const others = refs.filter((_, i) => i !== stable && i !== candidate);
  const twin = { ...own, name: names.candidate, weight };
  return [{ ...own, weight: WEIGHTS - weight }, twin, ...others];
}

function restoredRefs({ refs, stable, candidate }: RouteRule, former = 1): readonly KubeObject[] | undefined {
  if (candidate === undefined) return undefined;
  const kept = refs.map((ref, i) => (i === stable ? { ...ref, weight: former } : ref));
  return kept.filter((_, i) => i !== candidate);
}

function readRule(rule: Json, index: number, names: BackendNames): RouteRule | undefined {
  const refs = listAt(rule, ["backendRefs"]) as readonly KubeObject[];
  const at = (name: string) => {
    const found = refs.findIndex((ref) => isService(ref, names.namespace) && textAt(ref, ["name"]) === name);
    return found === -1 ? undefined : found;
  };
  const stable = at(names.stable);
  const candidate = at(names.candidate);
  if (stable === undefined && candidate === undefined) return undefined;
  const sum = refs.reduce((total, ref) => total + weightAt(ref), 0);
  const own = candidate === undefined ? 0 : weightAt(refs[candidate]);
  return {
    index,
    refs,
    stable,
    candidate,
    share: sum === 0 ? 0 : own / sum,
    others: refs.flatMap((ref, i) =>
      i === stable || i === candidate || weightAt(ref) === 0 ? [] : (textAt(ref, ["name"]) ?? ""),
    ),
  };
}

function isService(ref: KubeObject, namespace: string): boolean {
  return (
    (textAt(ref, ["group"]) ?? "") === "" &&
    (textAt(ref, ["kind"]) ?? "Service") === "Service" &&
    (textAt(ref, ["namespace"]) ?? namespace) === namespace
  );
}

/** 1 where nothing is said. */
function weightAt(ref: KubeObject | undefined): number {
  return numberAt(ref, ["weight"]) ?? 1;
}

function formerOf(object: KubeObject): readonly number[] | undefined {
  const text = textAt(object, ["metadata", "annotations", FORMER_MARK]);
  if (text === undefined) return undefined;
  const weights = listAt(parseJson(text) as Json | undefined, ["weights"]);
  return weights.filter((one) => typeof one === "number");
}

/** Accepted by every gateway that it names, in the generation that was written last. */
function routeStatus(object: KubeObject): RouteStatus {
  const generation = numberAt(object, ["metadata", "generation"]) ?? 0;
  const wanted = listAt(object, ["spec", "parentRefs"]);
  const parents = listAt(object, ["status", "parents"]);
  if (wanted.length === 0) return { state: "refused", why: "it names no gateway (spec.parentRefs)" };
  for (const ref of wanted) {
    const own = parents.filter((one) => isSameParent(recordAt(one, ["parentRef"]), ref));
    const name = textAt(ref, ["name"]) ?? "";
    if (own.length === 0) return { state: "waiting", why: `the gateway ${name} has not said anything of it` };
    for (const parent of own) {
      const status = parentStatus(parent, name, generation);
      if (status.state !== "accepted") return status;
    }
  }
  return { state: "accepted" };
}

function isSameParent(said: Json, asked: Json): boolean {
  const same = (key: string) => textAt(said, [key]) === textAt(asked, [key]);
  return same("name") && same("sectionName");
}

function parentStatus(parent: Json, name: string, generation: number): RouteStatus {
  const conditionOf = (type: string) => listAt(parent, ["conditions"]).find((one) => textAt(one, ["type"]) === type);
  for (const type of ["Accepted", "ResolvedRefs"]) {
    const found = conditionOf(type);
    if ((numberAt(found, ["observedGeneration"]) ?? 0) < generation)
      return { state: "waiting", why: `the gateway ${name} has not taken its last change` };
    if (textAt(found, ["status"]) === "True") continue;
    const reason = [textAt(found, ["reason"]), textAt(found, ["message"])].filter(Boolean).join(": ");
    return { state: "refused", why: `the gateway ${name}: ${type} is ${textAt(found, ["status"])} (${reason})` };
  }
  const partial = conditionOf("PartiallyInvalid");
  if (textAt(partial, ["status"]) === "True")
    return { state: "refused", why: `the gateway ${name} leaves out rules (${textAt(partial, ["message"]) ?? ""})` };
  return { state: "accepted" };
}
