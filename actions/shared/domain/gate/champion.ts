import type { Digest } from "../digest.ts";
import type { Metric } from "../metric.ts";
import type { VersionRecord } from "../model-version.ts";

/** What a candidate is compared with: a version of the store, or the metrics of a file. */
export type Champion = {
  readonly version: string;
  readonly digest?: Digest;
  readonly metrics: readonly Metric[];
  readonly data: readonly ChampionData[];
};

export type ChampionData = { readonly role: string; readonly digest?: Digest; readonly rows?: number };

/** A registered version as what others are compared with. */
export function championOf({ version, digest, metrics = [], data = [] }: VersionRecord): Champion {
  return {
    version,
    digest,
    metrics: metrics as readonly Metric[],
    data: data.map((set) => ({
      role: set.role,
      ...(set.digest === undefined ? {} : { digest: set.digest }),
      ...(set.rows === undefined ? {} : { rows: set.rows }),
    })),
  };
}
