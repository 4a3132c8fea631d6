import type { CardFacts, OwnCard } from "../shared/domain/model-card.ts";
import type { ModelScan } from "../shared/domain/model-scan.ts";
import type { Tensor } from "../shared/domain/model-version.ts";
import type { Finding } from "../shared/domain/report.ts";
import type { ModelCatalog } from "../shared/ports/model-catalog.ts";
import type { ModelSigner, SignatureVerifier } from "../shared/ports/model-signing.ts";
import type { ModelStore } from "../shared/ports/model-store.ts";
import type { FoundModel, SourceFile } from "../shared/ports/source-file.ts";
import type { Step } from "../shared/ports/step.ts";
import type { ScanPolicy } from "./prepare/scan-policy.ts";

/** What the user asked for. */
export type Wishes = {
  readonly name: string;
  readonly version: string | undefined;
  readonly model: string | undefined;
  readonly "model-endpoint": string | undefined;
  readonly "model-access-key": string | undefined;
  readonly "model-secret-key": string | undefined;
  readonly aliases: readonly string[] | undefined;
  readonly "on-failed-gate": "register" | "stop";
  readonly "unsafe-pickle": ScanPolicy;
  readonly "allow-imports": readonly string[] | undefined;
  readonly card: string | undefined;
  readonly "signing-key": string | undefined;
  readonly "signing-key-passphrase": string | undefined;
  readonly package: "none" | "tar";
  readonly "package-code": string | undefined;
  readonly "package-requirements": string | undefined;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
  readonly reason: string | undefined;
  readonly "on-publish-failure": "fail" | "warn";
};

export type RegisterStep = Step<Wishes>;

/** What the files of a model say about it themselves. */
export type Description = {
  readonly format?: { readonly name: string; readonly version?: string };
  readonly signature?: { readonly inputs: readonly Tensor[]; readonly outputs: readonly Tensor[] };
  readonly scan: ModelScan;
  readonly findings: readonly Finding[];
};

export type Describing = { readonly allowed: readonly string[]; readonly signal: AbortSignal };

export type Ports = {
  readonly store: ModelStore;
  /** Those that are told of the version. */
  readonly catalogs: readonly ModelCatalog[];
  /** The model at a place, as `find-source` tells it. */
  findModel(place: string): Promise<FoundModel>;
  describe(files: readonly SourceFile[], describing: Describing): Promise<Description>;
  /** Whoever signs the version; undefined where nobody does. What is wrong with the key, or is missing of an identity, is told here. */
  signer(): Promise<ModelSigner | undefined>;
  /** Undefined where signatures are not to be checked. */
  verifier(): Promise<SignatureVerifier | undefined>;
  /** The GitHub environment of this job, by GitHub's own word; undefined where it has none or cannot prove it. */
  environment(): Promise<string | undefined>;
  /** Who let this job into the environment; empty where GitHub does not say. */
  reviewers(environment: string): Promise<readonly string[]>;
  /** The model card: what is known, with what the user wrote. */
  writeCard(facts: CardFacts, own: OwnCard | undefined): string;
};
