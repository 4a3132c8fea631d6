import type { Digest } from "../digest.ts";
import type { Metric } from "../metric.ts";

/** What a candidate is compared with: a version of the store, or the metrics of a file. */
export type Champion = {
  readonly version: string;
  readonly digest?: Digest;
  readonly metrics: readonly Metric[];
  readonly data: readonly ChampionData[];
};

export type ChampionData = { readonly role: string; readonly digest?: Digest; readonly rows?: number };
