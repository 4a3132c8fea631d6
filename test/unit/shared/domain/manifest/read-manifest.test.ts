import { expect, test } from "vitest";
import type { Json } from "../../../../../actions/shared/domain/canonical.ts";
import { readManifest } from "../../../../../actions/shared/domain/manifest/read-manifest.ts";
import { parseStatedCondition } from "../../../../../actions/shared/domain/manifest/stated-condition.ts";

const job = { apiVersion: "batch/v1", kind: "Job", metadata: { name: "train" }, spec: { backoffLimit: 0 } };
const read = (...documents: readonly Json[]) => readManifest(documents, undefined);

test("the name, the namespace and what the server keeps are no part of the object", () => {
  const metadata = {
    name: "train",
    namespace: "ml",
    labels: { team: "a" },
    uid: "1",
    resourceVersion: "2",
    managedFields: [],
    creationTimestamp: null,
  };
  expect(read({ ...job, metadata, status: { active: 1 } })).toMatchObject({
    state: "ok",
    manifest: {
      name: "train",
      namespace: "ml",
      kind: { kind: "Job" },
      object: { apiVersion: "batch/v1", kind: "Job", metadata: { labels: { team: "a" } }, spec: { backoffLimit: 0 } },
    },
  });
  const { manifest } = read({ ...job, metadata, status: {} }) as { manifest: { object: object } };
  expect(Object.keys(manifest.object).toSorted()).toEqual(["apiVersion", "kind", "metadata", "spec"]);
});

test.each([
  [{ name: "train" }, "train"],
  [{ generateName: "train-" }, "train"],
  [{}, "job"],
])("with the metadata %j the name begins with %s", (metadata, name) => {
  expect(read({ ...job, metadata })).toMatchObject({ state: "ok", manifest: { name } });
});

test("an empty document beside it is none", () => {
  expect(read(null, job).state).toBe("ok");
});

test.each([
  [[], "a manifest is one object of Kubernetes", [0]],
  [[job, job], "a manifest is one object of Kubernetes", [1]],
  [["text"], "a manifest is one object of Kubernetes", [0]],
  [[{ kind: "Job" }], "a manifest says its apiVersion and kind", [0, "apiVersion"]],
  [[{ apiVersion: "batch/v1" }], "a manifest says its apiVersion and kind", [0, "kind"]],
  [[{ ...job, kind: "Thing" }], "nobody knows when an object of this kind has succeeded", [0, "kind"]],
  [[{ ...job, apiVersion: "batch/v2" }], "nobody knows when an object of this kind has succeeded", [0, "kind"]],
  [[{ ...job, metadata: { name: "Train_1" } }], "the name of an object must be a DNS label", [0, "metadata", "name"]],
  [[{ ...job, spec: { x: Number.POSITIVE_INFINITY } }], "a number in a manifest must be finite", [0, "spec", "x"]],
])("%j is refused: %s", (documents, rule, path) => {
  expect(readManifest(documents as readonly Json[], undefined)).toMatchObject({
    state: "bad",
    faults: [{ level: "error", rule, path }],
  });
});

test("any kind is taken with a stated success", () => {
  const success = parseStatedCondition("Complete", {});
  if (success.state === "bad") throw new Error("it is one");
  const thing = { apiVersion: "x.test/v1", kind: "Thing", metadata: { name: "one" } };
  expect(readManifest([thing], { success: success.value })).toMatchObject({
    state: "ok",
    manifest: { kind: { group: "x.test", version: "v1", kind: "Thing" } },
  });
});
