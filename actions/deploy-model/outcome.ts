import type { VersionRecord } from "../shared/domain/model-version.ts";
import type { Publications } from "../shared/domain/publication.ts";
import type { Replayed } from "../shared/domain/rollout/evidence.ts";
import type { ExpectedTraffic, Forecast } from "../shared/domain/rollout/forecast.ts";
import type { JournalEntry, ServedModel, Strategy } from "../shared/domain/rollout/journal-entry.ts";
import type { Verdict } from "../shared/domain/rollout/judge.ts";
import type { Reason } from "../shared/domain/rollout/reason.ts";
import type { TrafficPlan } from "../shared/domain/rollout/traffic-plan.ts";
import type { Preview } from "../shared/ports/serving.ts";
import type { DifferingAnswer } from "../shared/ports/traffic.ts";
import type { Standing } from "./prepare/standing.ts";

/** What was counted after the candidate's share had been set to 0. */
export type Verified = { readonly requests: number; readonly elsewhere: number };

export type EvidenceFile = { readonly path: string; readonly digest: `sha256:${string}` };

/** A rollout that came to its end. */
export type Ended = {
  readonly state: "ended";
  readonly decision: "promoted" | "rolled-back" | "held";
  readonly reasons: readonly Reason[];
  readonly entry: JournalEntry;
  readonly verdict: Verdict | undefined;
  readonly verified: Verified | undefined;
  readonly differing: readonly DifferingAnswer[];
  /** What was odd about the metrics that it was judged by: sentences. */
  readonly oddMetrics?: readonly string[];
  readonly evidence: EvidenceFile;
  readonly imageExecuted: boolean;
  /** It went on where a killed step had left it. */
  readonly resumed: boolean;
};

export type Planned = {
  readonly state: "planned";
  readonly candidate: VersionRecord;
  readonly stable: ServedModel | undefined;
  readonly standing: Standing;
  readonly strategy: Strategy;
  readonly plan: TrafficPlan;
  readonly forecast: Forecast | undefined;
  /** What stable gets now, where a metrics server counts it. */
  readonly traffic: ExpectedTraffic | undefined;
  /** What would be changed at the target; undefined where no rollout would begin. */
  readonly preview: Preview | undefined;
  /** What the metrics say. */
  readonly notes: readonly string[];
};

export type StatusServed = {
  readonly version: string;
  readonly url: string | undefined;
  readonly how: string;
  readonly ended: string | undefined;
};

/** What serves, and who is at it, as far as it is known. */
export type Status = {
  readonly name: string;
  readonly stable: StatusServed | undefined;
  readonly candidate: StatusServed | undefined;
  readonly share: number;
  readonly holder: string | undefined;
  readonly entry: JournalEntry | undefined;
};

export type Outcome = {
  readonly target: string;
  /** Nothing serves after this step: the machine does not stay, or `keep` is not set. */
  readonly rehearsal: boolean;
  readonly allowHold: boolean;
  readonly url: string | undefined;
  /** What other catalogs were told, where there are any. */
  readonly told?: Publications;
} & (
  | Ended
  | Planned
  /** Nothing was begun. */
  | {
      readonly state: "stopped";
      readonly decision: "refused" | "held";
      readonly model: ServedModel;
      readonly reason: string;
      readonly hint: string;
    }
  /** Nothing was to be done: this version serves, or did. */
  | { readonly state: "unchanged"; readonly model: ServedModel; readonly reason: string; readonly exposure: number }
  | {
      readonly state: "lowered";
      readonly by: "recover" | "reconcile" | "abort";
      readonly name: string;
      readonly said: readonly string[];
      readonly entry: JournalEntry | undefined;
    }
  | { readonly state: "status"; readonly status: Status }
  | { readonly state: "replayed"; readonly replayed: Replayed; readonly path: string }
);
