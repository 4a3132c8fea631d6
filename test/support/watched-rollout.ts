import { presetOf } from "../../actions/shared/domain/traffic/presets.ts";
import {
  type MetricQueries,
  type MetricsFile,
  queriesFor,
  queriesOf,
} from "../../actions/shared/domain/traffic/queries.ts";
import type { WatchedRollout } from "../../actions/shared/render/rollout/expressions.ts";

/** A rollout of digits, measured by a preset and whatever a rollout file adds. */
export function watchedRollout(preset: string, file: MetricsFile = {}): WatchedRollout {
  const queries = queriesOf(file, presetOf(preset), () => ({}));
  if (queries.state === "bad") throw new Error(JSON.stringify(queries.problems));
  const arm = (name: string): MetricQueries => {
    const names = { namespace: "prod", workload: name, service: name, revision: `${name}-00001`, pods: `${name}-.+` };
    const filled = queriesFor(queries.value, names);
    if (filled.state === "bad") throw new Error(JSON.stringify(filled.problems));
    return filled.value;
  };
  return {
    title: "digits in prod",
    namespace: "prod",
    lease: "mlrelease-digits",
    leaseSeconds: 180,
    candidate: arm("digits-canary"),
    stable: arm("digits"),
    latencyBoundMs: 250,
  };
}
