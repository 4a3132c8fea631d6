import type { Digest } from "../../domain/digest.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { KubeConnection } from "../kubernetes/connection.ts";
import type { ResourceType } from "../kubernetes/objects.ts";

/** An InferenceService, and what a rollout does with it. */
export type KServePlace = {
  readonly connection: KubeConnection;
  readonly namespace: string;
  /** Of the InferenceService. */
  readonly name: string;
  /** Where the version lies, for the server to fetch. */
  readonly uriOf: (model: ServedModel) => Promise<string>;
  /** Of the release. A serving runtime has an image of its own: this one does not run here. */
  readonly image?: { readonly ref: string; readonly digest: Digest } | undefined;
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
  /** How long a server that splits traffic by spec.canary may take to write its route. Default 60 s. */
  readonly probeMs?: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
};

const TYPES = {
  service: { group: "serving.kserve.io", version: "v1beta1", plural: "inferenceservices" },
  knative: { group: "serving.knative.dev", version: "v1", plural: "services" },
  revision: { group: "serving.knative.dev", version: "v1", plural: "revisions" },
  deployment: { group: "apps", version: "v1", plural: "deployments" },
  route: { group: "gateway.networking.k8s.io", version: "v1", plural: "httproutes" },
  slice: { group: "discovery.k8s.io", version: "v1", plural: "endpointslices" },
  account: { group: "", version: "v1", plural: "serviceaccounts" },
} as const satisfies Readonly<Record<string, ResourceType>>;

export function typeIn({ namespace }: Pick<KServePlace, "namespace">, kind: keyof typeof TYPES): ResourceType {
  return { ...TYPES[kind], namespace };
}
