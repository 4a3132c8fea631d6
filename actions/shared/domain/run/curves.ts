import * as v from "valibot";
import type { Json } from "../canonical.ts";
import type { RunTask } from "./task.ts";

/** What a `system.ClassificationMetrics` output holds: too large for the record, shown beside the scalars. */
export type Curve =
  | {
      readonly kind: "confusion-matrix";
      readonly task: string;
      readonly output: string;
      readonly iteration?: string;
      readonly labels: readonly string[];
      /** `rows[i][j]`: how many of class `i` were taken for class `j`. */
      readonly rows: readonly (readonly number[])[];
    }
  | {
      readonly kind: "roc";
      readonly task: string;
      readonly output: string;
      readonly iteration?: string;
      readonly points: readonly RocPoint[];
    };

export type RocPoint = {
  /** JSON has no infinity: the first point of a curve may have the word for it. */
  readonly threshold: number | string;
  readonly falsePositiveRate: number;
  readonly recall: number;
};

// A protobuf drops zeros in some encodings: an absent number is 0.
const Rate = v.optional(v.number(), 0);

const MatrixSchema = v.object({
  annotationSpecs: v.optional(v.array(v.object({ displayName: v.optional(v.string(), "") })), []),
  rows: v.optional(v.array(v.object({ row: v.optional(v.array(v.number()), []) })), []),
});

const PointsSchema = v.array(
  v.object({
    confidenceThreshold: v.optional(v.union([v.number(), v.string()]), 0),
    falsePositiveRate: Rate,
    recall: Rate,
  }),
);

type Source = {
  readonly task: RunTask;
  readonly output: string;
  readonly metadata: Readonly<Record<string, Json>>;
};

export function curvesOf({ task, output, metadata }: Source): readonly Curve[] {
  const from = {
    task: task.task,
    output,
    ...(task.iteration === undefined ? {} : { iteration: task.iteration }),
  };
  const matrix = v.safeParse(MatrixSchema, unwrap(metadata.confusionMatrix, "struct"));
  const points = v.safeParse(PointsSchema, unwrap(metadata.confidenceMetrics, "list"));
  const curves: Curve[] = [];
  if (matrix.success && matrix.output.rows.length > 0)
    curves.push({
      kind: "confusion-matrix",
      ...from,
      labels: matrix.output.annotationSpecs.map((spec) => spec.displayName),
      rows: matrix.output.rows.map(({ row }) => row),
    });
  if (points.success && points.output.length > 0)
    curves.push({
      kind: "roc",
      ...from,
      points: points.output.map(({ confidenceThreshold, ...rest }) => ({ threshold: confidenceThreshold, ...rest })),
    });
  return curves;
}

/** ML Metadata keeps lists and objects in one more object. */
function unwrap(value: Json | undefined, key: "list" | "struct"): unknown {
  const wrapped = v.safeParse(v.strictObject({ [key]: v.unknown() }), value);
  return wrapped.success ? wrapped.output[key] : value;
}

/** The area under each ROC curve: `auc` where the task has one curve, `<output>_auc` where it has several. */
export function derivedMetrics(curves: readonly Curve[]): readonly { readonly name: string; readonly value: number }[] {
  const rocs = curves.filter((curve) => curve.kind === "roc");
  return rocs.map((roc) => ({ name: rocs.length === 1 ? "auc" : `${roc.output}_auc`, value: areaUnder(roc.points) }));
}

/** By trapezoids, over the curve completed to (0, 0) and (1, 1). */
function areaUnder(points: readonly RocPoint[]): number {
  const sorted = [...points].sort((a, b) => a.falsePositiveRate - b.falsePositiveRate || a.recall - b.recall);
  const whole = [{ falsePositiveRate: 0, recall: 0 }, ...sorted, { falsePositiveRate: 1, recall: 1 }];
  return whole.slice(1).reduce((area, point, i) => {
    const before = whole[i] ?? point;
    return area + ((point.falsePositiveRate - before.falsePositiveRate) * (point.recall + before.recall)) / 2;
  }, 0);
}
