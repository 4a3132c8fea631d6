import { canonicalJson, type Json } from "../shared/domain/canonical.ts";
import type { Metric } from "../shared/domain/metric.ts";

/** The record as a whole may take 48 KiB. */
const MOST_BYTES = 16 * 1024;

/** As many metrics as fit: those without a slice first. All of them are in run.json. */
export function recordedMetrics(metrics: readonly Metric[]): readonly Metric[] {
  const ordered = [...metrics.filter(({ slice }) => slice === undefined), ...metrics.filter(({ slice }) => slice)];
  let bytes = 0;
  return ordered.filter((metric) => {
    bytes += Buffer.byteLength(canonicalJson(metric as Json)) + 1;
    return bytes <= MOST_BYTES;
  });
}
