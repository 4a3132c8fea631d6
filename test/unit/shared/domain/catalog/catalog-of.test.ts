import * as v from "valibot";
import { expect, test } from "vitest";
import { CatalogSchema } from "../../../../../actions/shared/domain/catalog/catalog.ts";
import { catalogOf } from "../../../../../actions/shared/domain/catalog/catalog-of.ts";
import { modelFacts, storeFacts } from "../../../../support/store-facts.ts";
import { versionRecord } from "../../../../support/version-record.ts";

const digest = (digit: string) => `sha256:${digit.repeat(64)}` as const;
const act = (at: string) => ({ by: "octocat", at });
const accuracy = (value: number | "NaN") => ({
  name: "accuracy",
  value,
  dataset: { role: "test", digest: digest("1") },
});

const records = [
  versionRecord({ version: "1.1.0", createdAt: "2026-11-05T09:00:00Z", metrics: [accuracy(0.96)] }),
  versionRecord({ version: "1.0.0", createdAt: "2026-11-01T09:00:00Z", metrics: [accuracy(0.94)] }),
  versionRecord({ version: "1.0.1", createdAt: "2026-11-09T09:00:00Z", metrics: [accuracy("NaN")] }),
];

test("versions stand newest first by when they were registered, each with the one before it", () => {
  const [model] = catalogOf(storeFacts(modelFacts({ records }))).models;
  expect(model?.versions.map(({ record, previous }) => [record.version, previous])).toEqual([
    ["1.0.1", "1.1.0"],
    ["1.1.0", "1.0.0"],
    ["1.0.0", undefined],
  ]);
});

test("versions of one moment stand by their numbers", () => {
  const sameTime = ["1.10.0", "1.9.0"].map((version) => versionRecord({ version }));
  const [model] = catalogOf(storeFacts(modelFacts({ records: sameTime }))).models;
  expect(model?.versions.map(({ record }) => record.version)).toEqual(["1.10.0", "1.9.0"]);
});

test("a metric is a series over the versions, oldest first; slices come after whole data", () => {
  const sliced = versionRecord({ metrics: [{ name: "a", slice: { class: "3" }, value: 1 }, accuracy(0.9)] });
  const [first, second] = [records, [sliced]].map(
    (some) => catalogOf(storeFacts(modelFacts({ records: some }))).models[0],
  );
  expect(first?.metrics).toMatchObject([
    {
      name: "accuracy",
      points: [{ version: "1.0.0", value: 0.94 }, { value: 0.96 }, { version: "1.0.1", value: "NaN" }],
    },
  ]);
  expect(second?.metrics.map(({ name }) => name)).toEqual(["accuracy", "a[class=3]"]);
});

test("a version says what it was compared with, what became of it and what is wrong with it", () => {
  const facts = modelFacts({
    records,
    aliases: [
      {
        schema: 1,
        alias: "champion",
        version: "1.1.0",
        digest: digest("a"),
        move: 2,
        logAfter: 1,
        act: act("2026-11-06T09:00:00Z"),
      },
    ],
    events: [
      {
        schema: 1,
        event: "alias-moved",
        alias: "champion",
        version: "1.0.0",
        digest: digest("a"),
        move: 1,
        act: act("2026-11-02T09:00:00Z"),
      },
    ],
    decisions: [{ version: "1.0.0", state: "retired", reason: "drift", act: act("2026-11-07T09:00:00Z") }],
    deployments: [
      {
        version: "1.1.0",
        release: "v1.1.0",
        deployment: { target: "local", decision: "promoted", exposure: 1, rehearsal: false },
      },
    ],
    problems: [
      { key: "digits/versions/1.0.0.json", problem: "was edited by hand", version: "1.0.0" },
      { key: "digits/versions/0.9.0.json", problem: "is no JSON" },
    ],
  });
  const [model] = catalogOf(storeFacts(facts)).models;
  const [hotfix, middle, first] = model?.versions ?? [];
  expect(model).toMatchObject({
    champion: "1.1.0",
    problems: [{ problem: "was edited by hand" }, { problem: "is no JSON" }],
  });
  expect(hotfix).toMatchObject({ state: "in-use", championThen: "1.1.0", aliases: [], problems: [] });
  expect(middle).toMatchObject({
    championThen: "1.0.0",
    aliases: ["champion"],
    deployments: [{ release: "v1.1.0", decision: "promoted" }],
  });
  expect(first).toMatchObject({ state: "retired", retired: { reason: "drift" }, problems: ["was edited by hand"] });
  expect(first?.championThen).toBeUndefined();
  expect(v.is(CatalogSchema, catalogOf(storeFacts(facts)))).toBe(true);
});

test("models stand by name, one without versions too", () => {
  const catalog = catalogOf(storeFacts(modelFacts({ name: "iris" }), modelFacts({ records })));
  expect(catalog.models.map(({ name, versions }) => [name, versions.length])).toEqual([
    ["digits", 3],
    ["iris", 0],
  ]);
});
