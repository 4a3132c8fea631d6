import type { Digest } from "../../domain/digest.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import type { ChangedKind } from "../../domain/serving/deployment-change.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { KubeConnection } from "../kubernetes/connection.ts";
import type { ResourceType } from "../kubernetes/objects.ts";

/** A Deployment that serves a model, and what a rollout does with it. */
export type DeploymentPlace = {
  readonly connection: KubeConnection;
  readonly namespace: string;
  /** Of the Deployment. */
  readonly name: string;
  /** The container that serves; absent: the only one. */
  readonly container?: string | undefined;
  /** The service that users reach it by; absent: the one that chooses its pods. */
  readonly service?: string | undefined;
  /** `canary`: a second Deployment beside it. The others replace the version in place; `recreate` ends the old pods first. */
  readonly strategy: "canary" | "rolling" | "recreate";
  /** Where the version lies, for the server to fetch. */
  readonly uriOf: (model: ServedModel) => Promise<string>;
  /** Of the release: put into the pod template by its digest. */
  readonly image: { readonly ref: string; readonly digest: Digest } | undefined;
  /** Annotations of commit, run and release. */
  readonly marks: Readonly<Record<string, string>>;
  readonly drainMs: number;
  readonly readyTimeoutMs: number;
  /** How often is looked while something is waited for. Default 1 s. */
  readonly lookMs?: number;
  /** How long pods must stay ready. Default 2 s. */
  readonly steadyMs?: number;
  /** How long a pod may find no node. Default 2 minutes. */
  readonly unschedulableMs?: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
};

type Kind = ChangedKind | "slice";

const TYPES: Readonly<Record<Kind, Omit<ResourceType, "namespace">>> = {
  deployment: { group: "apps", version: "v1", plural: "deployments" },
  service: { group: "", version: "v1", plural: "services" },
  route: { group: "gateway.networking.k8s.io", version: "v1", plural: "httproutes" },
  autoscaler: { group: "autoscaling", version: "v2", plural: "horizontalpodautoscalers" },
  slice: { group: "discovery.k8s.io", version: "v1", plural: "endpointslices" },
  pod: { group: "", version: "v1", plural: "pods" },
};

export function typeIn({ namespace }: Pick<DeploymentPlace, "namespace">, kind: Kind): ResourceType {
  return { ...TYPES[kind], namespace };
}
