import type { Digest } from "../shared/domain/digest.ts";
import type { VersionRecord } from "../shared/domain/model-version.ts";
import type { Problem } from "../shared/domain/problem.ts";
import type { Finding } from "../shared/domain/report.ts";
import type { FileFault as Fault } from "../shared/lib/verify-model.ts";
import type { SoundStanding } from "./standing.ts";

export type FileFault = Fault;

/** What became of one alias. */
export type AliasResult = { readonly alias: string } & (
  | { readonly state: "moved"; readonly from?: string }
  | { readonly state: "unchanged" }
  /** It was set to this version before and points elsewhere since: a re-run does not move it back. */
  | { readonly state: "left"; readonly at: string }
  /** The gate did not pass: no alias. */
  | { readonly state: "withheld" }
  /** A plan: it would move. */
  | { readonly state: "would-move"; readonly from?: string }
);

/** What is known of the signature of a registered version. */
export type SignatureCheck =
  /** It was registered without one. */
  | { readonly state: "none" }
  /** It is there, and no key was given to check it with. */
  | { readonly state: "unchecked"; readonly publicKey: Digest }
  | { readonly state: "sound"; readonly publicKey: Digest }
  | { readonly state: "bad"; readonly problems: readonly Problem[] };

/** A version in the store (or, in a plan, what would be). */
export type Registration = {
  readonly record: VersionRecord;
  readonly standing: SoundStanding["state"];
  readonly aliases: readonly AliasResult[];
  /** Undefined where there is none, or where it is this version. */
  readonly champion: VersionRecord | undefined;
  /** The key that it is signed with (or would be). */
  readonly publicKey: Digest | undefined;
  readonly store: string;
  readonly uri: string;
  /** Where its signature lies. */
  readonly signature: string | undefined;
  readonly bytes: number;
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
      | {
          readonly state: "aliased";
          readonly name: string;
          readonly version: string;
          readonly digest: Digest;
          readonly uri: string;
          readonly aliases: readonly AliasResult[];
        }
    ));
