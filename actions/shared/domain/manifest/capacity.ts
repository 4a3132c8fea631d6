import { formatTaint, isOfGroup, matchesSelector, untolerated } from "../capacity/node-placement.ts";
import { formatCount } from "../quantity.ts";
import { type KubeObject, textAt, valueAt } from "./object.ts";
import { parseQuantity } from "./quantity.ts";
import { extendedResources, type PodTemplate } from "./templates.ts";

/** Whether the nodes that are there could ever hold one such pod, were they empty. */
export type Fit =
  | { readonly state: "fits"; readonly nodes: readonly string[] }
  /** `reason`: what keeps it off, counted over the nodes, as the scheduler says it. */
  | { readonly state: "none"; readonly reason: string; readonly mayGrow: boolean }
  | { readonly state: "unasked" };

/** Only what some nodes have and others have not is judged: GPUs and their like. CPU and memory come and go. */
export function fitOf(template: PodTemplate, nodes: readonly KubeObject[]): Fit {
  const asked = Object.entries(extendedResources(template.spec)).filter(([, count]) => count > 0);
  if (asked.length === 0) return { state: "unasked" };
  const judged = nodes.map((node) => ({ name: nameOf(node), obstacle: obstacleOf(template.spec, asked, node) }));
  const fitting = judged.filter(({ obstacle }) => obstacle === undefined).map(({ name }) => name);
  if (fitting.length > 0) return { state: "fits", nodes: fitting };
  const reasons = Map.groupBy(judged, ({ obstacle }) => obstacle ?? "");
  const counted = [...reasons].map(([reason, of]) => `${of.length} ${reason}`).toSorted();
  const reason = `0/${formatCount(nodes.length, "node")} can hold it${counted.length === 0 ? "" : `: ${counted.join(", ")}`}`;
  return { state: "none", reason, mayGrow: nodes.some(isOfGroup) };
}

function obstacleOf(
  spec: KubeObject,
  asked: readonly (readonly [string, number])[],
  node: KubeObject,
): string | undefined {
  for (const [resource, count] of asked) {
    const has = parseQuantity(String(valueAt(node, ["status", "allocatable", resource]) ?? "0")) ?? 0;
    if (has === 0) return `without ${resource}`;
    if (has < count) return `with ${has} x ${resource}, ${count} are asked for`;
  }
  if (!matchesSelector(spec, node)) return "that do not match the node selector or affinity";
  // a taint of the node's health comes and goes
  const taint = untolerated(spec, node).find(({ key }) => !key.startsWith("node.kubernetes.io/"));
  return taint === undefined ? undefined : `with the taint ${formatTaint(taint)} that it does not tolerate`;
}

function nameOf(node: KubeObject): string {
  return textAt(node, ["metadata", "name"]) ?? "";
}

/** What a quota of the namespace leaves of the resources that all pods together ask for. */
export type QuotaFit = {
  readonly quota: string;
  readonly resource: string;
  readonly asked: number;
  readonly hard: number;
  readonly used: number;
};

/** The quotas that are too small: for ever (`asked` over `hard`), or at the moment. */
export function quotaShortages(templates: readonly PodTemplate[], quotas: readonly KubeObject[]): readonly QuotaFit[] {
  const asked = new Map<string, number>();
  for (const { spec, replicas } of templates)
    for (const [resource, count] of Object.entries(extendedResources(spec)))
      asked.set(resource, (asked.get(resource) ?? 0) + count * replicas);
  return quotas.flatMap((quota) =>
    [...asked].flatMap(([resource, count]) => {
      const key = `requests.${resource}`;
      const hard = parseQuantity(
        String(valueAt(quota, ["status", "hard", key]) ?? valueAt(quota, ["spec", "hard", key]) ?? ""),
      );
      const used = parseQuantity(String(valueAt(quota, ["status", "used", key]) ?? "0")) ?? 0;
      if (hard === undefined || count <= hard - used) return [];
      return [{ quota: nameOf(quota), resource, asked: count, hard, used }];
    }),
  );
}
