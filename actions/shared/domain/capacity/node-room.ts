import { conditionsOf, type KubeObject, recordAt, textAt, valueAt } from "../manifest/object.ts";
import { formatSize } from "../quantity.ts";
import { formatTaint, matchesSelector, untolerated } from "./node-placement.ts";
import { type Amounts, addUp, amountsOf, podRequests, subtract } from "./pod-requests.ts";

/** What a node has left for pods of one kind. */
export type NodeRoom = {
  readonly name: string;
  /** Of the resources that such a pod asks for. */
  readonly free: Amounts;
  readonly allocatable: Amounts;
  /** How many of them it can take now. */
  readonly holds: number;
  /** Why it takes none. */
  readonly obstacle?: string;
};

/** Room on each node beside the pods that run, or wait for their containers, there. */
export function roomOf(
  spec: KubeObject,
  nodes: readonly KubeObject[],
  pods: readonly KubeObject[],
): readonly NodeRoom[] {
  const placed = Map.groupBy(pods.filter(takesRoom), (pod) => textAt(pod, ["spec", "nodeName"]) ?? "");
  const asked = { ...podRequests(spec), pods: 1 };
  return nodes.map((node) => {
    const name = textAt(node, ["metadata", "name"]) ?? "";
    const allocatable = amountsOf(recordAt(node, ["status", "allocatable"]));
    const here = placed.get(name) ?? [];
    const taken = addUp(here.map((pod) => ({ ...podRequests(recordAt(pod, ["spec"])), pods: 1 })));
    const left = subtract(allocatable, taken);
    const free = Object.fromEntries(Object.keys(asked).map((resource) => [resource, left[resource] ?? 0]));
    const obstacle = obstacleOf(spec, node) ?? shortage({ asked, free, allocatable });
    return {
      name,
      free,
      allocatable,
      holds: obstacle === undefined ? timesIn(asked, free) : 0,
      ...(obstacle === undefined ? {} : { obstacle }),
    };
  });
}

/** `2 x nvidia.com/gpu, 4 cpu, 16 GiB memory`. */
export function formatAmounts(amounts: Amounts): string {
  return Object.entries(amounts)
    .filter(([name]) => name !== "pods")
    .toSorted(([a], [b]) => Number(b.includes("/")) - Number(a.includes("/")) || (a < b ? -1 : 1))
    .map(([name, amount]) => formatAmount(name, amount))
    .join(", ");
}

/** A pod that has ended holds nothing any more. */
function takesRoom(pod: KubeObject): boolean {
  return !["Succeeded", "Failed"].includes(textAt(pod, ["status", "phase"]) ?? "");
}

function obstacleOf(spec: KubeObject, node: KubeObject): string | undefined {
  if (!matchesSelector(spec, node)) return "its labels do not match the node selector or affinity";
  const ready = conditionsOf(node).find(({ type }) => type === "Ready");
  if (ready !== undefined && ready.status !== "True") return "it is not ready";
  const taints = untolerated(spec, node);
  if (valueAt(node, ["spec", "unschedulable"]) === true && !toleratesCordon(spec)) return "it is cordoned";
  const [taint] = taints;
  return taint === undefined ? undefined : `the taint ${formatTaint(taint)} is not tolerated`;
}

function toleratesCordon(spec: KubeObject): boolean {
  const cordoned = { spec: { taints: [{ key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }] } };
  return untolerated(spec, cordoned).length === 0;
}

type Room = { readonly asked: Amounts; readonly free: Amounts; readonly allocatable: Amounts };

/** The scarcest first: a node without the accelerator is not told for its memory. */
function shortage({ asked, free, allocatable }: Room): string | undefined {
  const short = Object.entries(asked)
    .filter(([name, amount]) => amount > (free[name] ?? 0) + ROUNDING)
    .toSorted(([a], [b]) => Number(b.includes("/")) - Number(a.includes("/")));
  const [first] = short;
  if (first === undefined) return undefined;
  const [name, amount] = first;
  const has = allocatable[name] ?? 0;
  if (has === 0) return `it has no ${name}`;
  const left = formatAmount(name, Math.max(free[name] ?? 0, 0));
  return `${left} of ${formatAmount(name, has)} free, ${formatAmount(name, amount)} asked for`;
}

function timesIn(asked: Amounts, free: Amounts): number {
  return Math.min(
    ...Object.entries(asked)
      .filter(([, amount]) => amount > 0)
      .map(([name, amount]) => Math.floor(((free[name] ?? 0) + ROUNDING) / amount)),
  );
}

/** Sums of decimal fractions. */
const ROUNDING = 1e-9;

function formatAmount(name: string, amount: number): string {
  if (name === "cpu") return `${Number(amount.toFixed(3))} cpu`;
  if (name === "memory" || name === "ephemeral-storage") return `${formatSize(Math.round(amount))} ${name}`;
  return `${Number(amount.toFixed(3))} x ${name}`;
}
