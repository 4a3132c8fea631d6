import type { CapacityWish } from "../shared/domain/capacity/room-answer.ts";
import type { Forge } from "../shared/ports/forge.ts";
import type { ModelCatalog } from "../shared/ports/model-catalog.ts";
import type { SignatureVerifier } from "../shared/ports/model-signing.ts";
import type { ModelStore } from "../shared/ports/model-store.ts";
import type { Step } from "../shared/ports/step.ts";
import type { Target, TargetRequest } from "../shared/ports/target.ts";

/** What the user asked for. */
export type Wishes = {
  readonly model: string | undefined;
  readonly target: string;
  readonly strategy: "canary" | "rolling" | "recreate" | undefined;
  readonly capacity: CapacityWish | undefined;
  readonly prometheus: string | undefined;
  readonly smoke: string;
  readonly environment: string | undefined;
  readonly rollout: string | undefined;
  readonly steps: readonly string[] | undefined;
  readonly look: number | undefined;
  readonly "step-duration": number | undefined;
  readonly "max-step-duration": number | undefined;
  readonly bake: number | undefined;
  readonly alpha: number | undefined;
  readonly margin: number | undefined;
  readonly "max-ratio": number | undefined;
  readonly "max-error-rate": number | undefined;
  readonly "min-requests": number | undefined;
  readonly "on-no-data": "hold" | "rollback" | undefined;
  readonly "on-inconclusive": "hold" | "rollback" | undefined;
  readonly "allow-hold": boolean;
  readonly "allow-downgrade": boolean;
  readonly gates: string | undefined;
  readonly serve: string | readonly string[] | undefined;
  readonly image: string;
  readonly payloads: string | undefined;
  readonly rate: number | undefined;
  readonly "latency-bound": number | undefined;
  readonly keep: boolean | undefined;
  readonly evidence: string | undefined;
  readonly "working-directory": string;
  readonly "on-publish-failure": "fail" | "warn";
};

export type DeployStep = Step<Wishes>;

export type Ports = {
  readonly store: ModelStore;
  /** Those that are told what a rollout came to. */
  readonly catalogs: readonly ModelCatalog[];
  /** Where people see what is deployed. */
  readonly forge: Pick<Forge, "deployment">;
  /** Undefined where signatures of versions are not asked for. */
  verifier(): Promise<SignatureVerifier | undefined>;
  /** The GitHub environment of this job, by GitHub's own word; undefined where it has none or cannot prove it. */
  environment(): Promise<string | undefined>;
  /** The same target for the same name, however often it is asked for. */
  open(request: TargetRequest): Promise<Target>;
};
