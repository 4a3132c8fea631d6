import { describe, expect, test } from "vitest";
import { batchesOf, runContents } from "../../../../../actions/shared/clients/mlflow/run-contents.ts";
import { catalogVersion, TEST, TRAIN } from "../../../../support/hub-catalog.ts";

describe("what a run in MLflow says of a version", () => {
  test("is the same whenever it is told: its times are those of the training", () => {
    const { startMs, endMs, metrics } = runContents(catalogVersion());
    expect([startMs, endMs]).toEqual([Date.parse("2026-11-21T08:30:00Z"), Date.parse("2026-11-21T08:30:00Z")]);
    expect(new Set(metrics.map(({ timestamp }) => timestamp))).toEqual(new Set([endMs]));
    expect(runContents(catalogVersion())).toEqual(runContents(catalogVersion()));
  });

  test("has each data set once, also where a metric was measured on one that nothing else names", () => {
    const only = catalogVersion({
      data: [],
      metrics: [{ name: "accuracy", value: 1, dataset: { role: "test", digest: TEST } }],
    });
    expect(runContents(only).datasets.map(({ dataset }) => dataset.name)).toEqual(["test"]);
    expect(
      runContents(catalogVersion()).datasets.map(({ dataset }) => [dataset.name, dataset.digest, dataset.source_type]),
    ).toEqual([
      ["train", TRAIN.slice(7, 43), "s3"],
      ["test", TEST.slice(7, 43), "local"],
    ]);
  });

  test("leaves out data without an identity, which stays as a tag", () => {
    const raw = runContents(catalogVersion({ data: [{ role: "raw", uri: "s3://b/raw" }], metrics: [] }));
    expect(raw.datasets).toEqual([]);
    expect(raw.tags).toContainEqual({ key: "ml-release.data.raw", value: "s3://b/raw" });
  });

  test("cuts what MLflow would refuse: a parameter of 6000 characters, a tag of 5000", () => {
    const long = "x".repeat(10_000);
    const { params, tags } = runContents(catalogVersion({ parameters: { prompt: long }, metadata: { note: long } }));
    expect(params).toEqual([{ key: "prompt", value: long.slice(0, 6_000) }]);
    expect(tags.find(({ key }) => key === "note")?.value).toHaveLength(5_000);
  });
});

describe("what is sent to MLflow at once", () => {
  const pairs = (count: number, size: number) =>
    Array.from({ length: count }, (_, i) => ({ key: `k${i}`, value: "v".repeat(size) }));

  test("is at most 100 tags or parameters, or 500 metrics, of one kind", () => {
    const batches = batchesOf({ params: pairs(101, 1), tags: pairs(100, 1), metrics: pairs(1_001, 1) });
    expect(batches.map((batch) => Object.entries(batch).map(([kind, items]) => [kind, items.length]))).toEqual([
      [["tags", 100]],
      [["params", 100]],
      [["params", 1]],
      [["metrics", 500]],
      [["metrics", 500]],
      [["metrics", 1]],
    ]);
  });

  test("is less than a megabyte", () => {
    const batches = batchesOf({ params: pairs(400, 6_000), tags: pairs(400, 5_000), metrics: [] });
    expect(Math.max(...batches.map((batch) => JSON.stringify(batch).length))).toBeLessThan(1_000_000);
    expect(batches.flatMap(({ params = [], tags = [] }) => [...params, ...tags])).toHaveLength(800);
  });

  test("is nothing where there is nothing", () => {
    expect(batchesOf({ params: [], tags: [], metrics: [] })).toEqual([]);
  });
});
