import type { Place } from "../../domain/problem.ts";
import { type MetricQueries, type MetricsFile, queriesOf, wantedPreset } from "../../domain/traffic/queries.ts";
import type { MetricNames } from "../../domain/traffic/selector.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { Prometheus } from "./connection.ts";
import { detectPreset } from "./detect-preset.ts";

export type Resolving = {
  /** `metrics` of the rollout file; empty where it says nothing. */
  readonly file: MetricsFile;
  /** Where a key of it was written. */
  readonly placeOf: (path: readonly string[]) => Place;
  /** What is asked to find out which metrics there are; undefined before a first version. */
  readonly stable: MetricNames | undefined;
};

/** The queries of a rollout: as the file says, or by the preset whose requests are counted for stable now. Throws `CONFIG` with everything that is wrong. */
export async function resolveQueries(
  prometheus: Prometheus,
  { file, placeOf, stable }: Resolving,
): Promise<MetricQueries> {
  const wanted = wantedPreset(file);
  const preset = wanted === "auto" ? await detect(prometheus, { placeOf, stable }) : wanted;
  const queries = queriesOf(file, preset, placeOf);
  if (queries.state === "bad") throw new ReleaseError("CONFIG", queries.problems);
  return queries.value;
}

async function detect(prometheus: Prometheus, { placeOf, stable }: Omit<Resolving, "file">) {
  if (stable !== undefined) return detectPreset(prometheus, { stable, atMs: await prometheus.now() });
  throw new ReleaseError("CONFIG", {
    rule: "nothing serves yet that would show which metrics there are",
    where: placeOf(["preset"]),
    hint: "name metrics.preset in the rollout file, or give metrics.requests and metrics.errors",
  });
}
