import { type KubeObject, listAt, recordAt, textAt, valueAt } from "../manifest/object.ts";
import { type Amounts, amountsOf, podRequests, times } from "./pod-requests.ts";

/** Pods of one kind that are to be made, or to go. */
export type PodCount = { readonly spec: KubeObject; readonly count: number };

/** Why the quotas of a namespace do not let so many pods be made, where others go before; undefined where they do. */
export function quotaObstacle(
  quotas: readonly KubeObject[],
  { made, gone }: { readonly made: PodCount; readonly gone: PodCount | undefined },
): string | undefined {
  const wanted = chargesOf(made);
  const freed = gone === undefined ? {} : chargesOf(gone);
  for (const quota of quotas.filter(({ spec }) => !hasScopes(spec as KubeObject))) {
    const hard = amountsOf({ ...recordAt(quota, ["spec", "hard"]), ...recordAt(quota, ["status", "hard"]) });
    const used = amountsOf(recordAt(quota, ["status", "used"]));
    for (const [resource, limit] of Object.entries(hard)) {
      const asked = wanted[resource] ?? 0;
      const left = limit - (used[resource] ?? 0) + (freed[resource] ?? 0);
      if (asked <= left) continue;
      const name = textAt(quota, ["metadata", "name"]) ?? "";
      return `the quota ${name} has ${Math.max(left, 0)} of ${limit} ${resource} left, ${asked} are asked for`;
    }
  }
  return undefined;
}

/** Quotas that count some pods only: whether these are among them is left to the cluster. */
export function scopedQuotas(quotas: readonly KubeObject[]): readonly string[] {
  return quotas
    .filter(({ spec }) => hasScopes(spec as KubeObject))
    .map((quota) => textAt(quota, ["metadata", "name"]) ?? "");
}

function hasScopes(spec: KubeObject): boolean {
  return listAt(spec, ["scopes"]).length > 0 || valueAt(spec, ["scopeSelector"]) !== undefined;
}

/** Under every name by which a quota may count it. */
function chargesOf({ spec, count }: PodCount): Amounts {
  const requests = times(podRequests(spec), count);
  const limits = times(limitsOf(spec), count);
  const named = (prefix: string, amounts: Amounts) =>
    Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [`${prefix}${name}`, amount]));
  return {
    ...requests,
    ...named("requests.", requests),
    ...named("limits.", limits),
    pods: count,
    "count/pods": count,
  };
}

/** As requests are counted, but of what is limited. */
function limitsOf(spec: KubeObject): Amounts {
  const only = (container: KubeObject): KubeObject => ({
    ...container,
    resources: { requests: recordAt(container, ["resources", "limits"]) },
  });
  const containers = (key: string) => listAt(spec, [key]).map((one) => only(one as KubeObject));
  return podRequests({ containers: containers("containers"), initContainers: containers("initContainers") });
}
