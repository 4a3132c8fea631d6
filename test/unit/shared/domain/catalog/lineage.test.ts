import { expect, test } from "vitest";
import { catalogOf } from "../../../../../actions/shared/domain/catalog/catalog-of.ts";
import { lineageOf } from "../../../../../actions/shared/domain/catalog/lineage.ts";
import type { ModelFacts } from "../../../../../actions/shared/domain/catalog/store-facts.ts";
import { sampleStore } from "../../../../support/catalog-sample.ts";
import { modelFacts, storeFacts } from "../../../../support/store-facts.ts";
import { versionRecord } from "../../../../support/version-record.ts";

function edgesOf(facts: ModelFacts, version: string): readonly string[] {
  const model = catalogOf(storeFacts(facts)).models[0]!;
  const { nodes, edges } = lineageOf(model.versions.find(({ record }) => record.version === version)!, model.events);
  return edges.map(({ from, to }) => `${nodes[from]!.title} -> ${nodes[to]!.title}`);
}

test("code, data and the images that were executed lead to the run, the run to the version, the version to its targets", () => {
  expect(edgesOf(sampleStore().models[0]!, "1.3.0")).toEqual([
    "code -> run of digits v1.3.0",
    "data all -> run of digits v1.3.0",
    "data train -> run of digits v1.3.0",
    "data test -> run of digits v1.3.0",
    "image trainer -> run of digits v1.3.0",
    "run of digits v1.3.0 -> digits 1.3.0",
    "digits 1.3.0 -> kserve/digits",
  ]);
});

test("a version of files that no run made comes from its code alone", () => {
  const code = { repository: "acme/digits", commit: "a".repeat(40), ref: "refs/tags/v1.0.0" };
  expect(edgesOf(modelFacts({ records: [versionRecord({ code })] }), "1.0.0")).toEqual(["code -> digits 1.0.0"]);
});

test("what became of it at a target is what its release says, at the time that the log says", () => {
  const model = catalogOf(sampleStore()).models[0]!;
  const version = model.versions.find(({ record }) => record.version === "2.0.0")!;
  expect(lineageOf(version, model.events).nodes.at(-1)).toMatchObject({
    title: "kserve/digits",
    lines: ["rolled back", "2026-11-19"],
  });
});

test("an image that is not known to have been executed only is of the same release", () => {
  const images = [{ name: "trainer", ref: "x", digest: `sha256:${"3".repeat(64)}` as const }];
  const model = catalogOf(storeFacts(modelFacts({ records: [versionRecord({ images })] }))).models[0]!;
  const { nodes, edges } = lineageOf(model.versions[0]!, []);
  expect(nodes[0]).toMatchObject({ title: "image trainer", lines: ["sha256:333333333333", "built for the release"] });
  expect(edges).toEqual([{ from: 0, to: 1, isKnown: false }]);
});
