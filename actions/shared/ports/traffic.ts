import type { Look } from "../domain/rollout/journal-entry.ts";
import type { Counts } from "../domain/rollout/judge.ts";
import type { TrafficMemory } from "../domain/traffic/memory.ts";

/** What one arm's counter was asked by. */
export type AskedQuery = {
  readonly arm: "candidate" | "stable";
  readonly counter: string;
  readonly query: string;
};

/** An answer that was not the expected one. */
export type DifferingAnswer = {
  readonly arm: "candidate" | "stable";
  /** Number of the payload, from 1. */
  readonly payload: number;
  readonly request: string;
  readonly path: string;
  readonly expected: string;
  readonly saw: string;
};

/** The requests that both arms meet, and how they went. Implementations: our own payloads through the splitter; Prometheus. */
export interface Traffic {
  /** Begins to send where the traffic is ours; elsewhere users send it, and no address need be known. */
  start(url: string | undefined): void;
  /**
   * What was counted so far by arm; only grows while the same servers run. After a change of the split nothing of what came before it may be
   * taken for what came after: whoever counts from afar waits until it can tell.
   */
  counts(after?: "change"): Promise<Counts>;
  /** The first answers of the candidate that differed. */
  differing(): readonly DifferingAnswer[];
  /** Resolves when no request of ours is under way. */
  stop(): Promise<void>;
  /** The raw counters as of the last count, for a process that goes on with the rollout; absent where nobody but the target keeps them. */
  readonly snapshot?: () => TrafficMemory | undefined;
  /** Every query as it was asked, for the evidence. */
  readonly asked?: () => readonly AskedQuery[];
  /** What was odd about the metrics: sentences. */
  readonly findings?: () => readonly string[];
  /** Why predictions keep the candidate from more traffic: a sentence; undefined where they do not. */
  readonly drifted?: () => string | undefined;
  /** What watches over the rollout elsewhere, once it is known how it is counted: files by their names. */
  readonly files?: (looks: readonly Look[]) => Readonly<Record<string, string>>;
}
