import { expect, test } from "vitest";
import { recordedMetrics } from "../../../actions/run-pipeline/recorded-metrics.ts";
import { canonicalJson, type Json } from "../../../actions/shared/domain/canonical.ts";
import type { Metric } from "../../../actions/shared/domain/metric.ts";

const MOST_BYTES = 16 * 1024;

function bytesOf(metrics: readonly Metric[]): number {
  return Buffer.byteLength(canonicalJson(metrics as readonly Json[]));
}

test("metrics of the whole come before those of a slice", () => {
  const sliced: Metric = { name: "recall", slice: { class: "3" }, value: 0.9 };
  const whole: Metric = { name: "accuracy", value: 0.96 };
  expect(recordedMetrics([sliced, whole])).toEqual([whole, sliced]);
});

test.each([
  ["ASCII", "class"],
  ["names of three bytes a letter", "类别精度"],
])("as many are recorded as fit into their part of the record: %s", (_, name) => {
  const metrics = Array.from({ length: 1_000 }, (__, i): Metric => ({ name, slice: { [name]: `${i}` }, value: 0.9 }));
  const recorded = recordedMetrics(metrics);
  expect(recorded).toEqual(metrics.slice(0, recorded.length));
  expect(bytesOf(recorded)).toBeLessThanOrEqual(MOST_BYTES + 1);
  expect(bytesOf(metrics.slice(0, recorded.length + 1))).toBeGreaterThan(MOST_BYTES);
});
