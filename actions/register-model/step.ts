import type { Tensor } from "../shared/domain/model-version.ts";
import type { Finding } from "../shared/domain/report.ts";
import type { FoundFile } from "../shared/lib/model-files.ts";
import type { ModelStore } from "../shared/ports/model-store.ts";
import type { Step } from "../shared/ports/step.ts";

/** What the user asked for. */
export type Wishes = {
  readonly name: string;
  readonly version: string | undefined;
  readonly model: string | undefined;
  readonly aliases: readonly string[] | undefined;
  readonly "on-failed-gate": "register" | "stop";
  readonly card: string | undefined;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
};

export type RegisterStep = Step<Wishes>;

/** What the files of a model say about it themselves. */
export type Description = {
  readonly format?: { readonly name: string; readonly version?: string };
  readonly signature?: { readonly inputs: readonly Tensor[]; readonly outputs: readonly Tensor[] };
  readonly findings: readonly Finding[];
};

export type Ports = {
  readonly store: ModelStore;
  describe(files: readonly FoundFile[]): Promise<Description>;
};
