import { type KubeObject, recordAt, textAt } from "../manifest/object.ts";
import { formatCount } from "../quantity.ts";
import { isOfGroup } from "./node-placement.ts";
import { formatAmounts, type NodeRoom, roomOf } from "./node-room.ts";
import { podRequests } from "./pod-requests.ts";
import { type PodCount, quotaObstacle, scopedQuotas } from "./quota-room.ts";

/** What is known of a cluster; undefined where the account may not list it. */
export type ClusterRoom = {
  readonly nodes: readonly KubeObject[] | undefined;
  /** Of all namespaces. */
  readonly pods: readonly KubeObject[] | undefined;
  /** Of the namespace. */
  readonly quotas: readonly KubeObject[] | undefined;
};

export type CapacityQuestion = {
  /** Its pod spec, and how many of them. */
  readonly candidate: PodCount;
  /** The pods of stable, as they run. */
  readonly stable: readonly KubeObject[];
  readonly room: ClusterRoom;
};

/**
 * Where a candidate finds its room. `extra`: beside all of stable. `borrow`: one pod of stable goes before a first pod of the candidate comes.
 * `recreate`: stable goes first, and nothing serves in between.
 */
export type CapacityPlan = "extra" | "borrow" | "recreate";

export type PlanFit = {
  readonly plan: CapacityPlan;
  /** `unknown`: what would have to be read may not be. `maybe`: it depends on what the cluster does. */
  readonly state: "fits" | "maybe" | "short" | "unknown";
  readonly why: string;
  /** What is short is the namespace's: no node that is added changes that. */
  readonly isQuota?: true;
};

export type Capacity = {
  /** What one pod of the candidate asks for. */
  readonly asked: string;
  readonly replicas: number;
  readonly nodes: readonly NodeRoom[];
  readonly plans: readonly PlanFit[];
  readonly notes: readonly string[];
};

/** Whether the cluster has room for a candidate by each plan, and node by node why not. */
export function capacityOf(question: CapacityQuestion): Capacity {
  const { candidate, room } = question;
  const nodes = room.nodes === undefined ? [] : roomOf(candidate.spec, room.nodes, room.pods ?? []);
  return {
    asked: formatAmounts(podRequests(candidate.spec)) || "nothing",
    replicas: candidate.count,
    nodes,
    plans: [extra(question), borrow(question), recreate(question)],
    notes: notesOf(question),
  };
}

export const FIT_WORDS = { fits: "yes", maybe: "perhaps", short: "no", unknown: "not known" } as const;

function extra({ candidate, room }: CapacityQuestion): PlanFit {
  return fitOf("extra", { made: candidate, gone: [], room });
}

function borrow({ candidate, stable, room }: CapacityQuestion): PlanFit {
  if (stable.length < 2)
    return { plan: "borrow", state: "short", why: `stable must have two pods or more (saw ${stable.length})` };
  const made = { ...candidate, count: 1 };
  // which pod goes is the cluster's choice
  const fits = stable.map((pod) => ({ pod, fit: fitOf("borrow", { made, gone: [pod], room }) }));
  const bad = fits.filter(({ fit: { state } }) => state !== "fits");
  const good = fits.filter(({ fit: { state } }) => state === "fits");
  const [one] = bad.length > 0 ? bad : good;
  if (one === undefined || bad.length === 0 || good.length === 0) return one?.fit ?? extra({ candidate, stable, room });
  const names = good.map(({ pod }) => textAt(pod, ["metadata", "name"]) ?? "");
  return {
    plan: "borrow",
    state: "maybe",
    why: `only where ${names.join(" or ")} is the one that goes: ${one.fit.why}`,
  };
}

function recreate({ candidate, stable, room }: CapacityQuestion): PlanFit {
  return fitOf("recreate", { made: candidate, gone: stable, room });
}

type Change = { readonly made: PodCount; readonly gone: readonly KubeObject[]; readonly room: ClusterRoom };

function fitOf(plan: CapacityPlan, { made, gone, room }: Change): PlanFit {
  const [leaving] = gone;
  const freed = leaving === undefined ? undefined : { spec: recordAt(leaving, ["spec"]), count: gone.length };
  const quota = quotaObstacle(room.quotas ?? [], { made, gone: freed });
  if (quota !== undefined) return { plan, state: "short", why: quota, isQuota: true };
  if (room.nodes === undefined) return { plan, state: "unknown", why: "the account may not list nodes" };
  const left = new Set(gone.map(uidOf));
  const staying = (room.pods ?? []).filter((pod) => !left.has(uidOf(pod)));
  const nodes = roomOf(made.spec, room.nodes, staying);
  const holds = nodes.reduce((sum, one) => sum + one.holds, 0);
  if (holds < made.count) return { plan, state: "short", why: shortWords(room.nodes, { holds, wanted: made.count }) };
  if (room.pods === undefined)
    return {
      plan,
      state: "unknown",
      why: "the account may not list the pods of all namespaces: what they hold is not known",
    };
  const on = nodes.filter((one) => one.holds > 0).map(({ name }) => name);
  return {
    plan,
    state: "fits",
    why: `room on ${on.slice(0, 3).join(", ")}${on.length > 3 ? `, and ${on.length - 3} more` : ""}`,
  };
}

function shortWords(
  nodes: readonly KubeObject[],
  { holds, wanted }: { readonly holds: number; readonly wanted: number },
): string {
  const said = `${formatCount(nodes.length, "node")} can take ${holds} of ${wanted} now`;
  return nodes.some(isOfGroup) ? `${said}; an autoscaler may add some, which cannot be known` : said;
}

/** What may not be listed is said by the plans, and by the review of access. */
function notesOf({ room }: CapacityQuestion): readonly string[] {
  const scoped = scopedQuotas(room.quotas ?? []);
  return scoped.length === 0 ? [] : [`not checked: quotas that count some pods only (${scoped.join(", ")})`];
}

function uidOf(pod: KubeObject): string {
  return textAt(pod, ["metadata", "uid"]) ?? "";
}
