import { kserveServing } from "../../actions/shared/clients/kserve/kserve-serving.ts";
import type { KServePlace } from "../../actions/shared/clients/kserve/place.ts";
import type { ServedModel } from "../../actions/shared/domain/rollout/journal-entry.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import type { ClusterServing } from "../../actions/shared/ports/serving.ts";
import type { World } from "../fakes/kserve/world.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { connectionTo } from "./cluster/connection.ts";
import { until } from "./cluster/part.ts";
import { silentLog } from "./logs.ts";

/** A version whose digest is told by its number. */
export function version(number: string): ServedModel {
  const digest = [...number]
    .map((one) => one.charCodeAt(0).toString(16))
    .join("")
    .padEnd(64, "0");
  return { name: "digits", version: number, digest: `sha256:${digest}` };
}

export function uriOf({ name, version: number }: ServedModel): string {
  return `s3://models/${name}/${number}`;
}

/** What nobody of ours released. */
export const FIRST_URI = "s3://models/digits/by-hand";

export async function servingOf(
  cluster: Cluster,
  { namespace }: World,
  { connection, ...rest }: Partial<KServePlace> = {},
): Promise<ClusterServing> {
  return kserveServing({
    connection: connection ?? (await connectionTo(cluster, namespace)),
    namespace,
    name: "fraud",
    uriOf: async (model) => uriOf(model),
    image: undefined,
    marks: { "ml-release.dev/commit": "c".repeat(40) },
    drainMs: 100,
    readyTimeoutMs: 60_000,
    lookMs: 100,
    steadyMs: 300,
    probeMs: 3_000,
    clock: systemClock,
    log: silentLog,
    signal: new AbortController().signal,
    ...rest,
  });
}

export type ServiceWish = {
  readonly minReplicas?: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly uri?: string;
};

/** The InferenceService that users apply once; resolves when its first model serves. */
export async function inferenceService(
  cluster: Cluster,
  { namespace }: World,
  { minReplicas = 1, annotations = {}, uri = FIRST_URI }: ServiceWish = {},
): Promise<void> {
  const object = {
    apiVersion: "serving.kserve.io/v1beta1",
    kind: "InferenceService",
    metadata: { name: "fraud", annotations },
    spec: { predictor: { minReplicas, model: { modelFormat: { name: "onnx" }, storageUri: uri } } },
  };
  await cluster.apply(JSON.stringify(object), namespace);
  await until("the first model", async () => {
    const { status } = await readService(cluster, namespace);
    return status?.conditions?.find(({ type }: { type: string }) => type === "Ready")?.status === "True";
  });
}

export const SERVICES = "/apis/serving.kserve.io/v1beta1/namespaces";

export function readService(cluster: Cluster, namespace: string) {
  return cluster.api.get(`${SERVICES}/${namespace}/inferenceservices/fraud`);
}

/** As a client patches that knows nothing of any of this. */
export async function patchService(cluster: Cluster, namespace: string, patch: object): Promise<number> {
  const { status } = await cluster.api.send(`${SERVICES}/${namespace}/inferenceservices/fraud`, {
    method: "PATCH",
    body: patch,
    contentType: "application/merge-patch+json",
  });
  return status;
}

/** A route of the user's own to what the InferenceService makes. */
export async function ownRoute(cluster: Cluster, { namespace }: World): Promise<void> {
  const object = {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "users" },
    spec: {
      parentRefs: [{ name: "gateway" }],
      hostnames: ["fraud.example.com"],
      rules: [{ backendRefs: [{ name: "fraud-predictor", port: 80 }] }],
    },
  };
  await cluster.apply(JSON.stringify(object), namespace);
}
