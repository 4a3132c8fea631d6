import type { Digest } from "../shared/domain/digest.ts";
import type { VersionRecord } from "../shared/domain/model-version.ts";
import type { Publications } from "../shared/domain/publication.ts";
import type { AliasRefusal } from "../shared/domain/registry-settings.ts";
import type { Finding } from "../shared/domain/report.ts";
import type { Signer } from "../shared/domain/signing/signer.ts";
import type { VersionChange, VersionState } from "../shared/domain/version-state.ts";
import type { SignatureCheck as Check } from "../shared/lib/model-signing/check-signature.ts";
import type { FileFault as Fault } from "../shared/lib/verify-model.ts";
import type { SoundStanding } from "./standing/chain.ts";

export type FileFault = Fault;

/** What became of one alias. */
export type AliasResult = { readonly alias: string } & (
  | { readonly state: "moved"; readonly from?: string }
  | { readonly state: "unchanged" }
  /** It was set to this version before and points elsewhere since: a re-run does not move it back. */
  | { readonly state: "left"; readonly at: string }
  /** The gate did not pass, the version is out of use, or nobody approved it: no alias. */
  | { readonly state: "withheld"; readonly why: "gate" | AliasRefusal["why"] }
  /** A plan: it would move. */
  | { readonly state: "would-move"; readonly from?: string }
);

export type SignatureCheck = Check;

/** A version in the store (or, in a plan, what would be). */
export type Registration = Publications & {
  readonly record: VersionRecord;
  readonly standing: SoundStanding["state"];
  readonly aliases: readonly AliasResult[];
  /** Undefined where there is none, or where it is this version. */
  readonly champion: VersionRecord | undefined;
  /** As whom it is signed (or would be). */
  readonly signer: Signer | undefined;
  readonly store: string;
  readonly uri: string;
  /** Where its signature lies. */
  readonly signature: string | undefined;
  readonly bytes: number;
  /** Its archive: where it lies, and its size. In a plan what would be. */
  readonly archive: { readonly uri?: string; readonly size: number } | undefined;
  readonly findings: readonly Finding[];
};

export type Kept = Registration & { readonly rehearsal: boolean } & (
    | { readonly state: "registered"; readonly seconds: number }
    | { readonly state: "existed" }
    | { readonly state: "planned"; readonly exists: boolean }
  );

export type Outcome =
  | Kept
  | ({ readonly rehearsal: boolean } /** A plan without a model: the run that makes it comes later. */ & (
      | {
          readonly state: "planned-early";
          readonly name: string;
          readonly version: string;
          readonly store: string;
          readonly why: string;
        }
      | {
          readonly state: "stopped";
          readonly name: string;
          readonly version: string;
          readonly verdict: string;
          readonly failedRules: readonly string[];
        }
      | {
          readonly state: "verified" | "damaged";
          readonly record: VersionRecord;
          readonly uri: string;
          readonly bytes: number;
          readonly faults: readonly FileFault[];
          readonly signature: SignatureCheck;
        }
      | (Publications & {
          readonly state: "aliased";
          readonly name: string;
          readonly version: string;
          readonly digest: Digest;
          readonly uri: string;
          readonly aliases: readonly AliasResult[];
        })
      | (Publications & {
          readonly state: "decided";
          readonly name: string;
          readonly version: string;
          readonly digest: Digest;
          readonly uri: string;
          readonly change: VersionChange;
          /** False where it was so already. */
          readonly isNew: boolean;
          /** What stands. */
          readonly last: VersionState["last"];
          /** Those that point at it. */
          readonly aliases: readonly string[];
        })
    ));
