import type { AliasRecord, ModelEvent, VersionRecord } from "../model-version.ts";
import type { Deployment } from "../release.ts";
import type { Decision } from "./catalog.ts";

/** What was read of one model: nothing in it is worked out. */
export type ModelFacts = {
  readonly name: string;
  /** In any order; a record that cannot be read is a problem instead. */
  readonly records: readonly VersionRecord[];
  readonly aliases: readonly AliasRecord[];
  /** The log, oldest first. */
  readonly events: readonly ModelEvent[];
  /** What stands of each version now: at most one of a kind. */
  readonly decisions: readonly (Decision & { readonly version: string; readonly state: "approved" | "retired" })[];
  /** From the release records that name a version of this model and have a deployment. */
  readonly deployments: readonly {
    readonly version: string;
    readonly release: string;
    readonly deployment: Deployment;
  }[];
  /** What could not be read or is not as it was written; `version` where it is about one whose record is there. */
  readonly problems: readonly { readonly key: string; readonly problem: string; readonly version?: string }[];
};

/** What was read of a whole store. */
export type StoreFacts = {
  /** The store's address, without credentials. */
  readonly store: string;
  readonly madeAt: string;
  readonly models: readonly ModelFacts[];
};
