import type { Any } from "./api.ts";
import { condition, deployment, ownerOf, SOURCE, service } from "./pods.ts";
import type { Control } from "./world.ts";

export type KnativeObjects = {
  readonly revisions: readonly Any[];
  readonly deployments: readonly Any[];
};

/** One look of Knative's controllers at a Service: Configuration and Revision, then the Route. */
export async function reconcileKnative(
  control: Control,
  ksvc: Any,
  { revisions, deployments }: KnativeObjects,
): Promise<void> {
  const { api, world } = control;
  const { name, namespace, generation } = ksvc.metadata;
  const own = revisions
    .filter((one) => one.metadata.labels?.["serving.knative.dev/service"] === name)
    .toSorted(byNumber);
  const latest = own.at(-1);
  const template = JSON.stringify(ksvc.spec.template);
  const isNew = latest === undefined || JSON.stringify(latest.spec.template) !== template;
  const isRouteFirst = world.has("route-before-revision") && latest !== undefined && ksvc.status?.routed !== generation;
  const number = Number(latest?.metadata.labels["serving.knative.dev/configurationGeneration"] ?? 0) + 1;
  const created = isNew && !isRouteFirst ? `${name}-${String(number).padStart(5, "0")}` : (latest?.metadata.name ?? "");
  if (isNew && !isRouteFirst) await api.apply(pathOf(namespace, created), revision(ksvc, created, number));
  for (const one of own) await reconcileRevision(control, one, deployments);
  const ready = own.findLast((one) => readyOf(one) === "True")?.metadata.name ?? "";
  const traffic = resolved(ksvc, ready, own);
  if (world.has("revisions-collected")) await collect(api, own, [created, ready, ...(traffic ?? []).map(revisionOf)]);
  // before anybody can read of it
  world.record(name.replace(/-predictor$/, ""), answering(traffic ?? ksvc.status?.traffic ?? [], own));
  const newest = isNew ? undefined : readyOf(latest);
  await api.status(`/apis/serving.knative.dev/v1/namespaces/${namespace}/services/${name}`, {
    observedGeneration: isNew && isRouteFirst ? (ksvc.status?.observedGeneration ?? 0) : generation,
    routed: generation,
    latestCreatedRevisionName: created,
    latestReadyRevisionName: ready,
    url: `http://${name}.${namespace}.example.com`,
    // what a revision is missing for stays as it was
    traffic: traffic ?? ksvc.status?.traffic ?? [],
    conditions: [
      condition("ConfigurationsReady", newest === "True" ? true : newest === "False" ? false : undefined),
      condition("RoutesReady", traffic !== undefined, traffic === undefined ? ["RevisionMissing", ""] : []),
      condition("Ready", newest === "True" && traffic !== undefined ? true : newest === "False" ? false : undefined),
    ],
  });
}

/** `latestRevision` leads to the latest that is ready. Undefined where a revision that is named is not there. */
export function resolved(ksvc: Any, ready: string, own: readonly Any[]): readonly Any[] | undefined {
  if (ready === "") return [];
  const names = own.map((one) => one.metadata.name);
  const entries = (ksvc.spec.traffic as readonly Any[]).map((entry) => ({
    revisionName: entry.latestRevision === true ? ready : entry.revisionName,
    latestRevision: entry.latestRevision === true,
    percent: entry.percent,
    ...(entry.tag === undefined
      ? {}
      : { tag: entry.tag, url: `http://${entry.tag}-${ksvc.metadata.name}.example.com` }),
  }));
  return entries.every(({ revisionName }) => names.includes(revisionName)) ? entries : undefined;
}

function revision(ksvc: Any, name: string, number: number): Any {
  const { template } = ksvc.spec;
  return {
    apiVersion: "serving.knative.dev/v1",
    kind: "Revision",
    metadata: {
      name,
      labels: {
        ...template.metadata.labels,
        "serving.knative.dev/service": ksvc.metadata.name,
        "serving.knative.dev/configurationGeneration": String(number),
      },
      annotations: template.metadata.annotations,
      ownerReferences: [ownerOf(ksvc)],
    },
    spec: { template },
  };
}

/** Knative gives up after this. */
const DEADLINE_S = 600;

async function reconcileRevision({ api, world }: Control, one: Any, deployments: readonly Any[]): Promise<void> {
  const { name, namespace, creationTimestamp } = one.metadata;
  const { template } = one.spec;
  const selector = { "serving.knative.dev/revision": name };
  const replicas = Number(template.metadata.annotations["autoscaling.knative.dev/min-scale"] ?? 1);
  const uri = template.metadata.annotations[SOURCE];
  const pods = {
    metadata: { ...template.metadata, labels: { ...template.metadata.labels, ...selector } },
    spec: template.spec,
  };
  const owner = ownerOf(one);
  const made = { name: `${name}-deployment`, replicas, owner, template: pods };
  await api.apply(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}-deployment`, deployment(made, selector));
  await api.apply(
    `/api/v1/namespaces/${namespace}/services/${name}`,
    service({ name, owner, uri }, selector, world.options),
  );
  const status = deployments.find(
    ({ metadata }) => metadata.name === `${name}-deployment` && metadata.namespace === namespace,
  )?.status;
  const available = status?.availableReplicas ?? 0;
  const deadline = Number(
    /^(\d+)s$/.exec(template.metadata.annotations["serving.knative.dev/progress-deadline"] ?? "")?.[1] ?? DEADLINE_S,
  );
  const isLate = Date.now() - Date.parse(creationTimestamp) > (deadline / (world.options.deadlineSpeed ?? 1)) * 1_000;
  // Ready once is ready: what happens later shows in its pods
  const was = readyOf(one);
  const isReady = was === "True" || (was !== "False" && available >= Math.max(1, replicas));
  const isFailed = was === "False" || (!isReady && isLate);
  await api.status(pathOf(namespace, name), {
    actualReplicas: available,
    desiredReplicas: replicas,
    conditions: [
      condition(
        "Ready",
        isReady ? true : isFailed ? false : undefined,
        isFailed
          ? ["ProgressDeadlineExceeded", `the revision did not become ready within ${deadline} s`]
          : isReady
            ? []
            : ["Deploying", ""],
      ),
    ],
  });
}

async function collect(api: Control["api"], own: readonly Any[], used: readonly string[]): Promise<void> {
  for (const { metadata } of own)
    if (!used.includes(metadata.name)) await api.remove(pathOf(metadata.namespace, metadata.name));
}

function answering(traffic: readonly Any[], own: readonly Any[]): Readonly<Record<string, number>> {
  const shares: Record<string, number> = {};
  for (const { revisionName, percent } of traffic) {
    const uri = own.find(({ metadata }) => metadata.name === revisionName)?.spec.template.metadata.annotations[SOURCE];
    if (uri !== undefined) shares[uri] = (shares[uri] ?? 0) + percent;
  }
  return shares;
}

function pathOf(namespace: string, name: string): string {
  return `/apis/serving.knative.dev/v1/namespaces/${namespace}/revisions/${name}`;
}

function readyOf(revision: Any): string | undefined {
  return revision?.status?.conditions?.find(({ type }: Any) => type === "Ready")?.status;
}

function revisionOf({ revisionName }: Any): string {
  return revisionName;
}

function byNumber(one: Any, other: Any): number {
  const number = ({ metadata }: Any) => Number(metadata.labels["serving.knative.dev/configurationGeneration"]);
  return number(one) - number(other);
}
