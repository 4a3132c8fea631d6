import type { Json } from "../canonical.ts";
import { type KubeObject, listAt, textAt, textsAt } from "../manifest/object.ts";

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

/** What keeps pods off a node that do not say that they bear it. */
export type Taint = { readonly key: string; readonly value?: string; readonly effect: string };

/** Whether a node has the labels that a pod asks for, by selector and by required affinity. */
export function matchesSelector(spec: KubeObject, node: KubeObject): boolean {
  const labels = textsAt(node, ["metadata", "labels"]);
  const wanted = Object.entries(textsAt(spec, ["nodeSelector"]));
  if (!wanted.every(([key, value]) => labels[key] === value)) return false;
  const terms = listAt(spec, [
    "affinity",
    "nodeAffinity",
    "requiredDuringSchedulingIgnoredDuringExecution",
    "nodeSelectorTerms",
  ]);
  return (
    terms.length === 0 || terms.some((term) => matchesTerm(term, labels, textAt(node, ["metadata", "name"]) ?? ""))
  );
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

/** The taints of a node that keep such a pod off it. */
export function untolerated(spec: KubeObject, node: KubeObject): readonly Taint[] {
  return listAt(node, ["spec", "taints"])
    .map((one) => {
      const value = textAt(one, ["value"]);
      const [key, effect] = [textAt(one, ["key"]) ?? "", textAt(one, ["effect"]) ?? ""];
      return { key, effect, ...(value === undefined ? {} : { value }) };
    })
    .filter(
      (taint) =>
        ["NoSchedule", "NoExecute"].includes(taint.effect) &&
        !listAt(spec, ["tolerations"]).some((toleration) => tolerates(toleration, taint)),
    );
}

export function formatTaint({ key, value, effect }: Taint): string {
  return `${key}${value === undefined ? "" : `=${value}`}:${effect}`;
}

/** Whether somebody may add nodes like this one when pods wait; whether anybody will cannot be known. */
export function isOfGroup(node: KubeObject): boolean {
  const labels = textsAt(node, ["metadata", "labels"]);
  return GROUP_LABELS.some((one) => labels[one] !== undefined);
}

function tolerates(toleration: Json, taint: Taint): boolean {
  const effect = textAt(toleration, ["effect"]) ?? "";
  const key = textAt(toleration, ["key"]) ?? "";
  if (effect !== "" && effect !== taint.effect) return false;
  if (key === "") return textAt(toleration, ["operator"]) === "Exists";
  if (key !== taint.key) return false;
  return textAt(toleration, ["operator"]) === "Exists" || (textAt(toleration, ["value"]) ?? "") === (taint.value ?? "");
}
