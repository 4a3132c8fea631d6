import type { GateStory } from "../shared/domain/gate/report.ts";
import type { Gate } from "../shared/domain/release.ts";
import type { Posted } from "../shared/ports/forge.ts";

/** Where the verdict goes, besides the summary: what would be, or was, written. */
export type Posting = {
  readonly what: "check" | "comment";
  /** `the check run gate digits on 0123456789ab`. */
  readonly place: string;
};

export type Outcome = {
  readonly story: GateStory;
  /** The store is gone with the job. */
  readonly rehearsal: boolean;
} & (
  | {
      readonly state: "judged";
      readonly gate: Gate;
      readonly posted: readonly (Posting & { readonly result: Posted })[];
      readonly isFork: boolean;
    }
  | { readonly state: "planned"; readonly gate: Gate; readonly wouldPost: readonly Posting[] }
  /** There is nothing to judge yet: the rules are sound. */
  | { readonly state: "planned-early"; readonly rules: readonly string[]; readonly wouldPost: readonly Posting[] }
);
