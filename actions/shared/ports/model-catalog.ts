import type { VersionRecord } from "../domain/model-version.ts";
import type { RolloutDecision } from "../domain/release.ts";
import type { VersionState } from "../domain/version-state.ts";

/** A registered version with what a catalog shows of it. The store stays the truth: what is here is copied, and may be copied again. */
export type CatalogVersion = {
  readonly record: VersionRecord;
  /** Where its files lie, for a serving system: `s3://bucket/prefix/digits/files/1.1.0`. */
  readonly uri: string;
  /** The model card that is kept beside it. */
  readonly card?: { readonly text: string; readonly uri: string };
  /** The aliases that point at it now. */
  readonly aliases: readonly string[];
  /** What people decided of it; absent where nobody has. */
  readonly decided?: VersionState;
};

/** What a catalog calls the things that it has of a version, by their kind: `{ model: "3", version: "14" }`. */
export type CatalogIds = Readonly<Record<string, string>>;

export type Published = {
  /** `completed`: an earlier attempt had left something out, or something was changed since. */
  readonly state: "created" | "completed" | "unchanged";
  readonly ids: CatalogIds;
  /** The version's page for people, where the catalog has one. */
  readonly url?: string;
};

/** What a rollout came to at a target. */
export type CatalogDeployment = {
  readonly name: string;
  readonly version: string;
  readonly digest: VersionRecord["digest"];
  /** As users name it: `kserve/digits`, `local`. */
  readonly target: string;
  /** What it is part of: the namespace of the cluster, or the machine's name. */
  readonly environment: string;
  readonly decision: RolloutDecision;
  /** Names this rollout alone: recorded once, however often it is told. */
  readonly rollout: string;
  readonly at: string;
};

/**
 * A registry of other people's that shows our versions. Everything can be repeated: what is there is found and compared, what is missing is
 * made, by this attempt or the next. Each method throws what keeps it from being done; nothing of the store depends on it.
 * Implementations: Kubeflow's model registry; MLflow.
 */
export interface ModelCatalog {
  readonly kind: "kubeflow" | "mlflow";
  /** As it reads in a sentence: `the model registry of Kubeflow`. */
  readonly name: string;
  /** Which one of its kind: its address without credentials and without a `/` at the end. */
  readonly address: string;
  /** Whether it answers and lets us in. Nothing is written. */
  check(): Promise<void>;
  /** Shows a version, and points at it the aliases that are its own now. */
  publish(version: CatalogVersion): Promise<Published>;
  /** Adds to the history of a target. Throws `NOT_FOUND` for a version that was not published. */
  recordDeployment(deployment: CatalogDeployment): Promise<void>;
}
