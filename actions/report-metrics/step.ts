import type { Forge } from "../shared/ports/forge.ts";
import type { ModelStore } from "../shared/ports/model-store.ts";
import type { Step } from "../shared/ports/step.ts";

/** What the user asked for. */
export type Wishes = {
  readonly mode: "report" | "plan";
  readonly "working-directory": string;
  readonly gates: string | undefined;
  readonly metrics: string | undefined;
  readonly champion: string;
  readonly name: string | undefined;
  readonly "check-name": string | undefined;
  readonly comment: boolean;
  readonly override: string | undefined;
};

export type ReportStep = Step<Wishes>;
export type Ports = { readonly store: ModelStore; readonly forge: Forge };
