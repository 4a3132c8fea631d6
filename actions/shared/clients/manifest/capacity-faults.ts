import { formatRule } from "../../domain/manifest/access.ts";
import { fitOf, quotaShortages } from "../../domain/manifest/capacity.ts";
import { extendedResources, isAccelerator, type PodTemplate } from "../../domain/manifest/templates.ts";
import type { PackageFault } from "../../domain/pipeline/package.ts";
import { listIfAllowed } from "../kubernetes/pods.ts";
import { notChecked } from "./not-checked.ts";
import type { Place } from "./place.ts";

/** Whether the quotas of the namespace and the nodes of the cluster could hold the GPUs that are asked for. */
export async function capacityFaults(
  place: Place,
  templates: readonly PodTemplate[],
): Promise<readonly PackageFault[]> {
  const [quotas, nodes] = await Promise.all([quotaFaults(place, templates), nodeFaults(place, templates)]);
  return [...quotas, ...nodes];
}

async function quotaFaults(
  { connection, namespace }: Place,
  templates: readonly PodTemplate[],
): Promise<readonly PackageFault[]> {
  if (!templates.some(asksForGpu)) return [];
  const quotas = await listIfAllowed(connection, { group: "", version: "v1", plural: "resourcequotas", namespace }, {});
  if (quotas === undefined)
    return [
      notChecked([0, "spec"], "whether the quotas of the namespace allow the GPUs", {
        why: "the account may not list resourcequotas",
        hint: `add to a Role in ${namespace}: ${formatRule("", "resourcequotas", ["list"])}`,
      }),
    ];
  return quotaShortages(templates, quotas).map(({ quota, resource, asked, hard, used }) => ({
    level: asked > hard ? "error" : "warning",
    path: [0, "spec"],
    rule:
      asked > hard
        ? `the quota ${quota} of the namespace ${namespace} never allows so many ${resource}`
        : `the quota ${quota} of the namespace ${namespace} has not so many ${resource} left now: the run waits for them`,
    saw: `${asked} are asked for`,
    allowed: `${hard}, of which ${used} are used`,
    hint: "ask for fewer, or have the quota raised",
  }));
}

async function nodeFaults({ connection }: Place, templates: readonly PodTemplate[]): Promise<readonly PackageFault[]> {
  const asking = templates.filter(asksForGpu);
  if (asking.length === 0) return [];
  const nodes = await listIfAllowed(connection, { group: "", version: "v1", plural: "nodes" }, {});
  if (nodes === undefined)
    return [
      notChecked([0, "spec"], "whether any node can hold the GPUs", {
        why: "the account may not list nodes",
        hint: `add to a ClusterRole of this account: ${formatRule("", "nodes", ["list"])}`,
      }),
    ];
  return asking.flatMap((template) => {
    const fit = fitOf(template, nodes);
    if (fit.state !== "none") return [];
    const asked = gpusOf(template);
    return [
      {
        level: "warning" as const,
        path: [0, ...template.path] as const,
        rule: `no node of the cluster can ever hold ${template.name === "" ? "its pod" : `a pod of ${template.name}`}, which asks for ${asked}`,
        saw: fit.reason,
        hint: fit.mayGrow
          ? "the nodes belong to groups that an autoscaler may make larger: it waits for that for `unschedulable-timeout`"
          : "nothing says that nodes may come: it waits for `unschedulable-timeout`, and fails then; add a node, or change the request, the selector or the tolerations",
      },
    ];
  });
}

function asksForGpu(template: PodTemplate): boolean {
  return gpusOf(template) !== "";
}

/** `2 x nvidia.com/gpu`. */
function gpusOf({ spec }: PodTemplate): string {
  return Object.entries(extendedResources(spec))
    .filter(([type, count]) => isAccelerator(type) && count > 0)
    .map(([type, count]) => `${count} x ${type}`)
    .join(", ");
}
