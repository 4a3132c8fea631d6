import type { Problem } from "../domain/problem.ts";
import type { ServedModel } from "../domain/rollout/journal-entry.ts";

export type Arm = "stable" | "candidate";

/** A version that is up at the target. */
export type Served = {
  readonly model: ServedModel;
  /** Answers for this version alone, whatever the split. */
  readonly url: string;
  /** What runs: the image by its digest, or a process with the files of the image's build context (`image not executed`). */
  readonly runs:
    | { readonly as: "container"; readonly image: string; readonly engine: string }
    | { readonly as: "process"; readonly command: string };
  /** How it ended by itself, with the end of its log; absent while it runs. */
  readonly ended?: string;
};

/** What the target says now: read from it, never from memory. */
export type ServingState = {
  readonly stable?: Served;
  readonly candidate?: Served;
  /** The candidate's share of the traffic that is in force. */
  readonly share: number;
  /** Whether what serves outlives the job that started it. */
  readonly isKept: boolean;
  /** Where users send their requests. */
  readonly url?: string;
};

/**
 * Where models serve. At most two versions are up: stable, and a candidate beside it that gets a share of the traffic.
 * Implementations: local servers behind a splitter; later KServe, Deployments and routes.
 */
export interface Serving {
  /** What would keep a version from being served, found before anything is started. */
  check(model: ServedModel): Promise<readonly Problem[]>;
  current(): Promise<ServingState>;
  /** Brings a version up at a share of 0 (stable: at what it had) and waits until it answers. Adopts it where it is up. */
  apply(arm: Arm, model: ServedModel): Promise<Served>;
  /** Sets the candidate's share. In force when this resolves; a share above 0 falls back to 0 by itself where it is not renewed for `holdMs`. */
  split(share: number, holdMs: number): Promise<void>;
  /** Makes the candidate stable and ends the former stable version. */
  promote(): Promise<void>;
  /** Sets the share to 0, lets requests under way end, ends the candidate. Does nothing where there is none. */
  remove(): Promise<void>;
  /** After the last word: what should not outlive the job is ended. */
  settle(): Promise<void>;
}
