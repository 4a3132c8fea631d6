import { connectKubernetes } from "../shared/connect/cluster.ts";
import type { ServedModel } from "../shared/domain/rollout/journal-entry.ts";
import { type ClusterKind, parseTargetName } from "../shared/domain/serving/target-name.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import { keptLease } from "../shared/lib/kept-lease.ts";
import { findVersion } from "../shared/lib/model-registry/versions.ts";
import type { ModelStore } from "../shared/ports/model-store.ts";
import type { ClusterServing } from "../shared/ports/serving.ts";
import type { Step } from "../shared/ports/step.ts";
import type { Target, TargetRequest } from "../shared/ports/target.ts";
import { kindProblems } from "./check-inputs.ts";
import { connectTraffic } from "./connect-traffic.ts";
import type { DeployModelInputs } from "./inputs.ts";

type ClusterStep = Step<DeployModelInputs>;

type ClusterConnection = {
  readonly request: TargetRequest;
  readonly store: ModelStore;
  /** Who takes the lease. */
  readonly holder: { readonly holder: string; readonly url?: string };
};

const DRAIN_MS = 30_000;
/** An image of some gigabytes is pulled, a model of some gigabytes is read. */
const READY_MS = 900_000;
const LEASE_MS = 120_000;
/** One that a killed process left is waited for; one that is renewed is told at once. */
const CLOCKS_APART_MS = 10_000;

/** An object of a cluster that serves; lease and journal lie beside it. Only the client of its kind is loaded. */
export async function connectCluster(
  step: ClusterStep,
  { request, store, holder }: ClusterConnection,
): Promise<Target> {
  const { inputs, job, clock, log, signal } = step;
  const connection = await connectKubernetes(step);
  const namespace = inputs.namespace ?? connection.namespace;
  const { kind, name } = await whichObject(step, { connection, namespace, model: request.name });
  const place = { ...placeOf(step, { request, store }), connection, namespace, name };
  const [serving, { kubernetesLease, objectNameOf }, { kubernetesJournal }, { clusterEvents }, { getObject }] =
    await Promise.all([
      openServing(kind, place),
      import("../shared/clients/kubernetes/serving-lease.ts"),
      import("../shared/clients/kubernetes/kubernetes-journal.ts"),
      import("../shared/clients/kubernetes/cluster-events.ts"),
      import("../shared/clients/kubernetes/objects.ts"),
    ]);
  // A Deployment and an InferenceService may have one name.
  const beside = { connection, namespace, name: `${kind}-${name}` };
  const address = `${kind}/${name} in ${namespace}`;
  const { RUNNER_TRACKING_ID: own } = job.envOf(["RUNNER_TRACKING_ID"]);
  return {
    address,
    serving,
    lease: keptLease(
      kubernetesLease({
        ...beside,
        ...holder,
        ...(own === undefined ? {} : { job: own }),
        ttlMs: LEASE_MS,
        patienceMs: LEASE_MS + CLOCKS_APART_MS,
        onWait: ({ holder: other }) =>
          log.info(`waits for ${other}, which holds ${address}, to renew its lease or to run out of it`),
        clock,
        signal,
      }),
      { everyMs: LEASE_MS / 4, clock, log, signal },
    ),
    journal: kubernetesJournal(beside),
    events: clusterEvents({
      connection,
      namespace,
      regarding: () => getObject(connection, { ...TYPES[kind], namespace }, name),
      instance: holder.holder,
      clock,
      log,
    }),
    ...connectTraffic(step, {
      serving,
      metrics: request.metrics,
      place: { address, namespace, lease: objectNameOf(beside.name), leaseMs: LEASE_MS },
    }),
  };
}

const TYPES = {
  deployment: { group: "apps", version: "v1", plural: "deployments" },
  kserve: { group: "serving.kserve.io", version: "v1beta1", plural: "inferenceservices" },
  rollout: { group: "argoproj.io", version: "v1alpha1", plural: "rollouts" },
} as const satisfies Readonly<Record<ClusterKind, object>>;

type Connection = Awaited<ReturnType<typeof connectKubernetes>>;
type Sought = { readonly connection: Connection; readonly namespace: string; readonly model: string };

/** The object that the input names; for `auto` the only one that has the model's name. */
async function whichObject({ inputs }: ClusterStep, { connection, namespace, model }: Sought) {
  const target = parseTargetName(inputs.target);
  if (target.state === "bad") throw new ReleaseError("INPUT", target.problems);
  if ("name" in target.value) return target.value;
  const { getObject } = await import("../shared/clients/kubernetes/objects.ts");
  const kinds = Object.keys(TYPES) as readonly ClusterKind[];
  const found = await Promise.all(
    kinds.map(async (kind) => ({ kind, object: await getObject(connection, { ...TYPES[kind], namespace }, model) })),
  );
  // A Deployment of a controller's own, such as that of an InferenceService, is not the user's to change.
  const free = found.filter(({ object }) => object !== undefined && !isOwned(object));
  const [only, ...others] = free;
  if (only !== undefined && others.length === 0) {
    const misfits = kindProblems(inputs, only.kind);
    if (misfits.length > 0) throw new ReleaseError("INPUT", misfits);
    return { kind: only.kind, name: model };
  }
  throw new ReleaseError(only === undefined ? "NOT_FOUND" : "CONFIG", {
    rule: `target: auto needs exactly one object named ${model} in the namespace ${namespace}`,
    where: { input: "target" },
    saw: only === undefined ? "none" : free.map(({ kind }) => `${kind}/${model}`).join(", "),
    allowed: kinds.map((kind) => `${kind}/${model}`).join(", "),
    hint:
      only === undefined
        ? "make it, or name the one that serves: target: deployment/NAME; and check `namespace`"
        : "name the one that is meant",
  });
}

function isOwned(object: { readonly [key: string]: unknown }): boolean {
  const { ownerReferences = [] } = (object.metadata ?? {}) as { readonly ownerReferences?: readonly unknown[] };
  return ownerReferences.length > 0;
}

function placeOf(step: ClusterStep, { request, store }: Pick<ClusterConnection, "request" | "store">) {
  const { inputs, release, job, clock, log, signal } = step;
  const run = release.source.workflowRun?.url ?? job.github.runId;
  return {
    ...(inputs.container === undefined ? {} : { container: inputs.container }),
    ...(inputs.service === undefined ? {} : { service: inputs.service }),
    strategy: inputs.strategy ?? "canary",
    ...(inputs.capacity === undefined ? {} : { capacity: inputs.capacity }),
    uriOf: (model: ServedModel) => uriOf(store, model),
    image: request.image,
    marks: {
      "ml-release.dev/commit": release.source.commit,
      "ml-release.dev/release": release.id,
      ...(run === "" ? {} : { "ml-release.dev/run": run }),
    },
    drainMs: inputs.drain ?? DRAIN_MS,
    readyTimeoutMs: inputs["ready-timeout"] ?? READY_MS,
    clock,
    log,
    signal,
  };
}

/** Where the version's own files lie in the store. */
async function uriOf(store: ModelStore, { name, version, digest }: ServedModel): Promise<string> {
  const record = await findVersion(store, name, version);
  if (record?.digest === digest) return store.address(record.folder);
  throw new ReleaseError(record === undefined ? "NOT_FOUND" : "INTEGRITY", {
    rule: "the version that is to serve must be in the store with the digest that it had",
    saw: record?.digest ?? `no ${name} ${version} in ${store.uri}`,
    allowed: digest,
  });
}

type Place = ReturnType<typeof placeOf> & {
  readonly connection: Connection;
  readonly namespace: string;
  readonly name: string;
};

async function openServing(kind: ClusterKind, place: Place): Promise<ClusterServing> {
  switch (kind) {
    case "deployment":
      return (await import("../shared/clients/deployments/deployment-serving.ts")).deploymentServing(place);
    case "kserve":
      return (await import("../shared/clients/kserve/kserve-serving.ts")).kserveServing(place);
    case "rollout":
      return (await import("../shared/clients/argo-rollouts/rollout-serving.ts")).rolloutServing(place);
  }
}
