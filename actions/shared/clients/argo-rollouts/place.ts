import type { Digest } from "../../domain/digest.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { KubeConnection } from "../kubernetes/connection.ts";
import type { ResourceType } from "../kubernetes/objects.ts";

/** A Rollout that serves a model, and what is done with it. */
export type RolloutPlace = {
  readonly connection: KubeConnection;
  readonly namespace: string;
  /** Of the Rollout. */
  readonly name: string;
  /** The container that serves; absent: the only one. */
  readonly container?: string | undefined;
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

const TYPES = {
  rollout: { group: "argoproj.io", version: "v1alpha1", plural: "rollouts" },
  analysis: { group: "argoproj.io", version: "v1alpha1", plural: "analysisruns" },
  set: { group: "apps", version: "v1", plural: "replicasets" },
  pod: { group: "", version: "v1", plural: "pods" },
} as const;

export function typeIn({ namespace }: Pick<RolloutPlace, "namespace">, kind: keyof typeof TYPES): ResourceType {
  return { ...TYPES[kind], namespace };
}
