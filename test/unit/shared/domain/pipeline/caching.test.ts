import { expect, test } from "vitest";
import type { Json } from "../../../../../actions/shared/domain/canonical.ts";
import { applyCaching, type Caching, cachingEdits } from "../../../../../actions/shared/domain/pipeline/caching.ts";
import { readPackage } from "../../../../../actions/shared/domain/pipeline/read-package.ts";
import { pipelineDocuments } from "../../../../support/pipeline-package.ts";

const documents = pipelineDocuments({
  tasks: {
    train: { componentRef: { name: "comp-train" }, cachingOptions: { enableCache: true, cacheKey: "k" } },
    plain: { componentRef: { name: "comp-train" } },
    loop: { componentRef: { name: "comp-loop" }, cachingOptions: {} },
  },
  components: {
    "comp-loop": {
      dag: { tasks: { inner: { componentRef: { name: "comp-train" }, cachingOptions: { enableCache: true } } } },
    },
  },
});

function rewritten(before: readonly Json[], caching: Caching): readonly (Json | undefined)[] {
  const read = readPackage(before);
  if (read.state === "bad") throw new Error("no package");
  const after = readPackage(applyCaching(before, cachingEdits(read.package, caching)));
  if (after.state === "bad") throw new Error("no package any more");
  const { root, components } = after.package.spec;
  const tasks = { ...root.dag?.tasks, ...components["comp-loop"]?.dag?.tasks };
  return Object.values(tasks).map((task) => task.cachingOptions as Json | undefined);
}

test("is switched off in every task, in nested DAGs too, and a task's key stays", () => {
  expect(rewritten(documents, "off")).toEqual([{ cacheKey: "k" }, undefined, {}, {}]);
});

test("is switched on in every task", () => {
  const on = { enableCache: true };
  expect(rewritten(documents, "on")).toEqual([{ ...on, cacheKey: "k" }, on, on, on]);
});

test("is left as the package says", () => {
  expect(rewritten(documents, "package")).toEqual([
    { enableCache: true, cacheKey: "k" },
    undefined,
    {},
    { enableCache: true },
  ]);
});

test("is rewritten where a package is written in snake_case", () => {
  const text = JSON.stringify(documents)
    .replaceAll("cachingOptions", "caching_options")
    .replaceAll("enableCache", "enable_cache");
  const after = applyCaching(JSON.parse(text), [
    { path: [0, "root", "dag", "tasks", "train", "cachingOptions"], enableCache: false },
  ]);
  expect(JSON.stringify(after)).toContain(
    '"train":{"componentRef":{"name":"comp-train"},"caching_options":{"cacheKey":"k"}}',
  );
});
