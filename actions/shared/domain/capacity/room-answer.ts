import type { Problem } from "../problem.ts";
import { formatCount } from "../quantity.ts";
import { type Capacity, type CapacityPlan, type CapacityQuestion, capacityOf, type PlanFit } from "./capacity.ts";
import { isOfGroup } from "./node-placement.ts";

/**
 * Where a rollout is to find its room. `assume-autoscaler`: beside all of stable, and what is short is left to whoever adds nodes when pods
 * wait.
 */
export type CapacityWish = "extra" | "borrow" | "assume-autoscaler";

export type RoomWanted = {
  /** What the room is for: `fraud (capacity: extra)`. */
  readonly of: string;
  /** The input that decides it. */
  readonly input: string;
  readonly plan: CapacityPlan;
  /** Nodes are added when pods wait. */
  readonly isGrowing: boolean;
  /** What the target could do in its place. */
  readonly others: readonly CapacityPlan[];
  readonly question: CapacityQuestion;
};

export type RoomAnswer = {
  readonly problems: readonly Problem[];
  readonly capacity: Capacity;
  readonly notes: readonly string[];
};

/** A cluster without the room that is asked for is a problem, before anything is changed; what cannot be known is none. */
export function roomAnswer({ of, input, plan, isGrowing, others, question }: RoomWanted): RoomAnswer {
  const { candidate, room } = question;
  const all = capacityOf(question);
  const capacity = { ...all, plans: all.plans.filter((one) => one.plan === plan || others.includes(one.plan)) };
  const fit = capacity.plans.find((one) => one.plan === plan);
  const answer = { problems: [], capacity, notes: [] };
  if (candidate.count === 0 || fit?.state !== "short") return answer;
  if (isGrowing && fit.isQuota !== true)
    return { ...answer, notes: [`the cluster has no room now (${fit.why}): an autoscaler is taken to add nodes`] };
  const wanted = plan === "borrow" ? 1 : candidate.count;
  const problem: Problem = {
    rule: `the cluster must have room for ${formatCount(wanted, "pod")} more of ${of}`,
    where: { input },
    saw: [fit.why, ...(fit.isQuota === true ? [] : obstacles(capacity)), `each asks for ${capacity.asked}`].join("; "),
    hint: hintOf({
      plans: capacity.plans.filter((one) => one.plan !== plan),
      free: fit.isQuota === true ? "raise the quota" : "add a node",
      mayGrow: fit.isQuota !== true && plan !== "borrow" && (room.nodes ?? []).some(isOfGroup),
    }),
  };
  return { ...answer, problems: [problem] };
}

const MOST_NODES = 5;

/** Why nodes take none, the first of them. */
function obstacles({ nodes }: Capacity): readonly string[] {
  const full = nodes.flatMap(({ name, obstacle }) => (obstacle === undefined ? [] : [`${name}: ${obstacle}`]));
  const left = full.length - MOST_NODES;
  return [...full.slice(0, MOST_NODES), ...(left > 0 ? [`and ${left} more`] : [])];
}

type Ways = {
  /** The others. */
  readonly plans: readonly PlanFit[];
  readonly free: string;
  readonly mayGrow: boolean;
};

function hintOf({ plans, free, mayGrow }: Ways): string {
  const ways = plans.filter(({ state }) => state === "fits").map(({ plan }) => WAYS[plan]);
  const grow = mayGrow ? ["set capacity: assume-autoscaler where nodes are added when pods wait"] : [];
  const first = ways.length > 0 ? "free that room" : `${free}, or ask for less in the pod template`;
  return [first, ...ways, ...grow].join("; or ");
}

const WAYS: Readonly<Record<CapacityPlan, string>> = {
  extra: "set capacity: extra",
  borrow: "set capacity: borrow, with which a pod of stable goes before each one of the candidate comes",
  recreate: "set strategy: recreate, with which the old pods end first and nothing serves meanwhile",
};
