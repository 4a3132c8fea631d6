import * as v from "valibot";

/** A metric as MLflow tells it: infinities and NaN as words, whole numbers of 64 bits as text by some servers. */
export const MetricDataSchema = v.object({
  key: v.string(),
  value: v.optional(v.union([v.number(), v.picklist(["NaN", "Infinity", "-Infinity"])]), 0),
  dataset_name: v.optional(v.string()),
  dataset_digest: v.optional(v.string()),
  model_id: v.optional(v.string()),
});
