import { expect, test } from "vitest";
import { compareFiles, compareVersions } from "../../../../actions/shared/domain/version-differences.ts";
import { versionRecord } from "../../../support/version-record.ts";

const digest = (digit: string) => `sha256:${digit.repeat(64)}` as const;
const file = (path: string, digit: string, size = 1) => ({ path, size, digest: digest(digit) });

test("files are added, removed or changed, in the order of the manifest; the same ones are not told", () => {
  const before = [file("a", "1"), file("b", "2", 10), file("d", "3")];
  const now = [file("a", "1"), file("b", "4", 20), file("c", "5")];
  expect(compareFiles(before, now)).toEqual([
    { path: "b", state: "changed", size: 20, before: 10 },
    { path: "c", state: "added", size: 1 },
    { path: "d", state: "removed", size: 1 },
  ]);
});

const metric = (value: number | "NaN", test = digest("1")) => ({
  name: "accuracy",
  value,
  dataset: { role: "test", digest: test },
});

test("a metric has a change where both sides are numbers on the same data", () => {
  const { metrics } = compareVersions(
    versionRecord({ metrics: [metric(0.96)] }),
    versionRecord({ metrics: [metric(0.95)] }),
  );
  expect(metrics).toEqual([
    { name: "accuracy", isSliced: false, value: 0.96, before: 0.95, sameData: true, change: expect.closeTo(0.01, 10) },
  ]);
});

test.each([
  ["other test data", metric(0.96, digest("2")), false],
  ["NaN", metric("NaN"), true],
])("no change is told on %s", (_, own, sameData) => {
  const { metrics } = compareVersions(versionRecord({ metrics: [own] }), versionRecord({ metrics: [metric(0.95)] }));
  expect(metrics).toEqual([{ name: "accuracy", isSliced: false, value: own.value, before: 0.95, sameData }]);
});

test("a metric that only one side has is told, whichever it is", () => {
  const { metrics } = compareVersions(
    versionRecord({ metrics: [{ name: "recall", slice: { class: "3" }, value: 1 }] }),
    versionRecord({ metrics: [{ name: "recall", slice: { class: "4" }, value: 0.5, task: "evaluate" }] }),
  );
  expect(metrics).toEqual([
    { name: "recall[class=3]", isSliced: true, value: 1, before: undefined, sameData: true },
    { name: "evaluate.recall[class=4]", isSliced: true, value: undefined, before: 0.5, sameData: false },
  ]);
});

test("data, parameters and images are told where they are not the same", () => {
  const own = versionRecord({
    data: [
      { role: "train", uri: "a", digest: digest("1") },
      { role: "test", uri: "b", digest: digest("2") },
    ],
    parameters: { C: 3, kernel: "rbf" },
    images: [{ name: "trainer", ref: "x", digest: digest("3") }],
  });
  const champion = versionRecord({
    data: [
      { role: "train", uri: "z", digest: digest("9") },
      { role: "test", uri: "moved", digest: digest("2") },
    ],
    parameters: { C: 1, kernel: "rbf", gamma: 0.1 },
    images: [{ name: "trainer", ref: "y", digest: digest("3") }],
  });
  expect(compareVersions(own, champion)).toMatchObject({
    data: [{ name: "train", value: digest("1"), before: digest("9") }],
    parameters: [
      { name: "C", value: "3", before: "1" },
      { name: "gamma", before: "0.1" },
    ],
    images: [],
  });
});

test("the licence, the format, the framework, the scan's verdict and the commit are told where they are not the same", () => {
  const code = (commit: string) => ({ repository: "acme/digits", commit, ref: "refs/tags/v1.0.0" });
  const own = versionRecord({
    licence: "MIT",
    format: { name: "ONNX", version: "9" },
    framework: { name: "scikit-learn", version: "1.7.1" },
    scan: { verdict: "code-bearing", imports: [] },
    code: code("b".repeat(40)),
  });
  const before = versionRecord({
    licence: "Apache-2.0",
    format: { name: "ONNX", version: "9" },
    scan: { verdict: "data-only", imports: [] },
    code: code("a".repeat(40)),
  });
  expect(compareVersions(own, before).facts).toEqual([
    { name: "licence", value: "MIT", before: "Apache-2.0" },
    { name: "framework", value: "scikit-learn 1.7.1" },
    { name: "scan", value: "code-bearing", before: "data-only" },
    { name: "commit", value: "b".repeat(40), before: "a".repeat(40) },
  ]);
});

const scanned = (...imports: readonly string[]) => ({ verdict: "code-bearing" as const, imports });

test("imports are new or gone", () => {
  const own = versionRecord({ scan: scanned("a.b", "c.d") });
  const before = versionRecord({ scan: scanned("a.b", "e.f") });
  expect(compareVersions(own, before).imports).toEqual({ state: "known", added: ["c.d"], removed: ["e.f"] });
});

test.each([
  ["was registered without a scan", undefined],
  ["has more imports than its record lists", scanned(...Array.from({ length: 500 }, (_, i) => `m.f${i}`))],
])("no import is called new where the other version %s", (_, scan) => {
  const before = versionRecord(scan === undefined ? {} : { scan });
  expect(compareVersions(versionRecord({ scan: scanned("a.b") }), before).imports).toEqual({ state: "unknown" });
});

test("what callers have to change is told", () => {
  const own = versionRecord({ signature: { inputs: [{ name: "y", type: "float32" }], outputs: [] } });
  const before = versionRecord({ signature: { inputs: [], outputs: [] } });
  expect(compareVersions(own, before).breaks).toEqual(["it needs an input y, which callers do not send"]);
});

test("a parameter is the same however its members are ordered, and may have any name", () => {
  const own = versionRecord({ parameters: { grid: { a: 1, b: 2 }, constructor: 1 } });
  const before = versionRecord({ parameters: { grid: { b: 2, a: 1 } } });
  expect(compareVersions(own, before).parameters).toEqual([{ name: "constructor", value: "1" }]);
});

test("packages and the machine of the training are told where they are not the same", () => {
  const gpus = [{ name: "NVIDIA H200", count: 2 }];
  const own = versionRecord({ environment: { python: "3.12.1", gpus, packages: { numpy: "2.3.0", scipy: "1.16.0" } } });
  const before = versionRecord({ environment: { python: "3.11.2", packages: { numpy: "2.2.0", scipy: "1.16.0" } } });
  const { facts, packages } = compareVersions(own, before);
  expect(packages).toEqual([{ name: "numpy", value: "2.3.0", before: "2.2.0" }]);
  expect(facts).toEqual([
    { name: "python", value: "3.12.1", before: "3.11.2" },
    { name: "gpus", value: "2 x NVIDIA H200" },
  ]);
});

test("no package is called new where the other version has no list of them", () => {
  const own = versionRecord({ environment: { packages: { numpy: "2.3.0" } } });
  expect(compareVersions(own, versionRecord({ environment: {} })).packages).toEqual([]);
});
