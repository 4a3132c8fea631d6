import type { CapacityWish } from "../../domain/capacity/room-answer.ts";
import type { Digest } from "../../domain/digest.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { KubeConnection } from "./connection.ts";

/** An object of a cluster that serves a model, and what a rollout does with it: the same for every kind of object. */
export type ServingPlace = {
  readonly connection: KubeConnection;
  readonly namespace: string;
  /** Of the object. */
  readonly name: string;
  /** Where the version lies, for the server to fetch. */
  readonly uriOf: (model: ServedModel) => Promise<string>;
  /** Of the release: put into the pod template by its digest, where the kind has one that is the user's. */
  readonly image?: { readonly ref: string; readonly digest: Digest } | undefined;
  /** Annotations of commit, run and release. */
  readonly marks: Readonly<Record<string, string>>;
  /** Where the candidate is to find its room. Default `extra`. */
  readonly capacity?: CapacityWish;
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
