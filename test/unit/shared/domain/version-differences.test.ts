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
    { name: "accuracy", value: 0.96, champion: 0.95, sameData: true, change: expect.closeTo(0.01, 10) },
  ]);
});

test.each([
  ["other test data", metric(0.96, digest("2")), false],
  ["NaN", metric("NaN"), true],
])("no change is told on %s", (_, own, sameData) => {
  const { metrics } = compareVersions(versionRecord({ metrics: [own] }), versionRecord({ metrics: [metric(0.95)] }));
  expect(metrics).toEqual([{ name: "accuracy", value: own.value, champion: 0.95, sameData }]);
});

test("a metric that only one side has is told, whichever it is", () => {
  const { metrics } = compareVersions(
    versionRecord({ metrics: [{ name: "recall", slice: { class: "3" }, value: 1 }] }),
    versionRecord({ metrics: [{ name: "recall", slice: { class: "4" }, value: 0.5, task: "evaluate" }] }),
  );
  expect(metrics).toEqual([
    { name: "recall[class=3]", value: 1, champion: undefined, sameData: true },
    { name: "evaluate.recall[class=4]", value: undefined, champion: 0.5, sameData: false },
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
    data: [{ name: "train", value: digest("1"), champion: digest("9") }],
    parameters: [
      { name: "C", value: "3", champion: "1" },
      { name: "gamma", champion: "0.1" },
    ],
    images: [],
  });
});
