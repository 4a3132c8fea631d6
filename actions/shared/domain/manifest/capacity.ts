import { isJsonObject, type Json } from "../canonical.ts";
import { formatCount } from "../quantity.ts";
import { type KubeObject, listAt, textAt, textsAt, valueAt } from "./object.ts";
import { parseQuantity } from "./quantity.ts";
import { extendedResources, type PodTemplate } from "./templates.ts";

/** Whether the nodes that are there could ever hold one such pod, were they empty. */
export type Fit =
  | { readonly state: "fits"; readonly nodes: readonly string[] }
  /** `reason`: what keeps it off, counted over the nodes, as the scheduler says it. */
  | { readonly state: "none"; readonly reason: string; readonly mayGrow: boolean }
  | { readonly state: "unasked" };

/** Labels of nodes that belong to a group which somebody else makes larger when pods wait. */
const GROUP_LABELS = [
  "karpenter.sh/nodepool",
  "eks.amazonaws.com/nodegroup",
  "alpha.eksctl.io/nodegroup-name",
  "cloud.google.com/gke-nodepool",
  "kubernetes.azure.com/agentpool",
  "agentpool",
  "node.openshift.io/os_id",
  "cluster.x-k8s.io/owner-name",
  "doks.digitalocean.com/node-pool",
];

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
  const taint = listAt(node, ["spec", "taints"]).find(
    (one) =>
      ["NoSchedule", "NoExecute"].includes(textAt(one, ["effect"]) ?? "") &&
      // such a taint comes and goes with the node's health
      !(textAt(one, ["key"]) ?? "").startsWith("node.kubernetes.io/") &&
      !listAt(spec, ["tolerations"]).some((toleration) => tolerates(toleration, one)),
  );
  return taint === undefined ? undefined : `with the taint ${formatTaint(taint)} that it does not tolerate`;
}

function matchesSelector(spec: KubeObject, node: KubeObject): boolean {
  const labels = textsAt(node, ["metadata", "labels"]);
  const wanted = Object.entries(textsAt(spec, ["nodeSelector"]));
  if (!wanted.every(([key, value]) => labels[key] === value)) return false;
  const terms = listAt(spec, [
    "affinity",
    "nodeAffinity",
    "requiredDuringSchedulingIgnoredDuringExecution",
    "nodeSelectorTerms",
  ]);
  return terms.length === 0 || terms.some((term) => matchesTerm(term, labels, nameOf(node)));
}

function matchesTerm(term: Json, labels: Readonly<Record<string, string>>, name: string): boolean {
  const byLabel = listAt(term, ["matchExpressions"]).every((one) => matchesExpression(one, labels));
  const byField = listAt(term, ["matchFields"]).every((one) => matchesExpression(one, { "metadata.name": name }));
  return byLabel && byField;
}

function matchesExpression(expression: Json, labels: Readonly<Record<string, string>>): boolean {
  const has = labels[textAt(expression, ["key"]) ?? ""];
  const values = listAt(expression, ["values"]).map(String);
  switch (textAt(expression, ["operator"])) {
    case "In":
      return has !== undefined && values.includes(has);
    case "NotIn":
      return has === undefined || !values.includes(has);
    case "Exists":
      return has !== undefined;
    case "DoesNotExist":
      return has === undefined;
    case "Gt":
      return Number(has) > Number(values[0]);
    case "Lt":
      return Number(has) < Number(values[0]);
    default:
      return true;
  }
}

function tolerates(toleration: Json, taint: Json): boolean {
  const effect = textAt(toleration, ["effect"]) ?? "";
  const key = textAt(toleration, ["key"]) ?? "";
  if (effect !== "" && effect !== textAt(taint, ["effect"])) return false;
  if (key === "") return textAt(toleration, ["operator"]) === "Exists";
  if (key !== textAt(taint, ["key"])) return false;
  return (
    textAt(toleration, ["operator"]) === "Exists" ||
    (textAt(toleration, ["value"]) ?? "") === (textAt(taint, ["value"]) ?? "")
  );
}

function formatTaint(taint: Json): string {
  const value = textAt(taint, ["value"]);
  return `${textAt(taint, ["key"])}${value === undefined ? "" : `=${value}`}:${textAt(taint, ["effect"])}`;
}

function isOfGroup(node: KubeObject): boolean {
  const labels = textsAt(node, ["metadata", "labels"]);
  return GROUP_LABELS.some((one) => labels[one] !== undefined);
}

function nameOf(node: KubeObject): string {
  return isJsonObject(node) ? (textAt(node, ["metadata", "name"]) ?? "") : "";
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
