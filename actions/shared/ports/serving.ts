import type { Capacity } from "../domain/capacity/capacity.ts";
import type { Problem } from "../domain/problem.ts";
import type { ServedModel } from "../domain/rollout/journal-entry.ts";

export type Arm = "stable" | "candidate";

/** What one version said when it was asked by itself. */
export type DirectAnswer = {
  readonly status: number;
  readonly text: string;
  /** Until the whole answer was there. */
  readonly ms: number;
};

/** A version that is up at the target. */
export type Served = {
  readonly model: ServedModel;
  /** Where people reach this version alone, whatever the split; absent where it has no address of its own. */
  readonly url?: string;
  /**
   * Asks this version alone, whatever the split. `path` starts with `/`; with a body, which is JSON, it is a POST. Any status is an
   * answer. Throws `UNAVAILABLE` where nothing answers.
   */
  readonly ask: (path: string, body?: string) => Promise<DirectAnswer>;
  /** What runs: the image by its digest, a process with the files of the image's build context (`image not executed`), or pods. */
  readonly runs:
    | { readonly as: "container"; readonly image: string; readonly engine: string }
    | { readonly as: "process"; readonly command: string }
    | {
        readonly as: "pods";
        /** Of the object that owns them, such as `Deployment digits`. */
        readonly kind: string;
        readonly image?: string;
        readonly ready: number;
        readonly wanted: number;
      };
  /** Nothing of it is up before its first share, which brings it up: it can be asked only then. */
  readonly comesWithShare?: true;
  /** How it failed for good, with the end of its log; absent while it runs. */
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

/** What a rollout of a version would change at the target, and what was found there that matters to it. */
export type Preview = {
  readonly changes: readonly {
    /** The object and its field: `Deployment digits, replicas`. */
    readonly what: string;
    readonly from?: string;
    readonly to?: string;
  }[];
  /** Capabilities, what could not be known: sentences. */
  readonly notes: readonly string[];
  /** Whether the cluster has room for a candidate, by plan and node; absent where nothing shows what it asks for. */
  readonly capacity?: Capacity;
};

/**
 * Where models serve. At most two versions are up: stable, and a candidate beside it that gets a share of the traffic.
 * Implementations: local servers behind a splitter; objects of a Kubernetes cluster.
 */
export interface Serving {
  /** Everything that would keep a version from being served, found before anything is started. */
  check(model: ServedModel): Promise<readonly Problem[]>;
  /** Which of these shares of the traffic the target cannot give, known before anything is started. Absent where it can give any. */
  readonly shareProblems?: (shares: readonly number[], model: ServedModel) => Promise<readonly Problem[]>;
  /**
   * The shares that the target itself stops at for a verdict: then the plan's. Absent where any share can be had. Throws `CONFIG` where it
   * stops nowhere.
   */
  readonly shares?: () => Promise<readonly number[]>;
  /** What would be changed. Reads only. */
  preview(model: ServedModel): Promise<Preview>;
  current(): Promise<ServingState>;
  /**
   * Brings a version up at a share of 0 (stable: at what it had) and waits until it answers. Adopts it where it is up. Throws `COMMAND`
   * or `TIMEOUT`, with what the target knows of the reason, where it does not come up. `room`: a candidate takes the place of servers of
   * stable, which are back after `promote` and `remove`; for targets that say that they can.
   */
  apply(arm: Arm, model: ServedModel, room?: "borrow"): Promise<Served>;
  /**
   * Sets the candidate's share. In force when this resolves. On this machine a share above 0 falls back to 0 by itself where it is not
   * renewed for `holdMs`; a cluster has no such switch (`mode: reconcile` is it). Throws `CONFLICT` where somebody else changed the split.
   * `greet` is for a candidate that comes with its share: called once, as soon as one of its servers can be asked, it ends the split by what
   * it throws.
   */
  split(share: number, holdMs: number, greet?: (candidate: Served) => Promise<void>): Promise<void>;
  /** Makes the candidate stable and ends the former stable version after draining it. What a killed process left of it is done by the next call. */
  promote(): Promise<void>;
  /** Sets the share to 0, lets requests under way end, ends the candidate. Does nothing where there is none. */
  remove(): Promise<void>;
  /** After the last word: what should not outlive the job is ended. */
  settle(): Promise<void>;
}

/** What metrics call an arm of a rollout on a cluster. */
export type ArmNames = {
  readonly namespace: string;
  readonly workload: string;
  readonly service: string;
  readonly revision?: string;
  /** A regular expression (RE2) for the names of its pods. */
  readonly pods: string;
};

export type ClusterServing = Serving & {
  /** What the arms of the next rollout will be called; a name that only being up tells is one that nothing has. Reads only. */
  armsToBe(): Promise<{ readonly candidate: ArmNames; readonly stable: ArmNames }>;
  /** Throws `NOT_FOUND` where an arm is not up. */
  arms(): Promise<{ readonly candidate: ArmNames; readonly stable: ArmNames }>;
};
