import { expect, test } from "vitest";
import { type Champions, isBroken, metricChart } from "../../../../../actions/shared/render/catalog/metric-chart.ts";

const digest = (digit: string) => `sha256:${digit.repeat(64)}` as const;

type Told = { readonly value: number | "NaN"; readonly data?: string };

function series(...told: readonly Told[]) {
  return {
    name: "accuracy",
    isSliced: false,
    points: told.map(({ value, data = "1" }, i) => ({
      version: `1.${i}.0`,
      createdAt: "2026-11-21T09:00:00Z",
      value,
      dataset: { role: "test", digest: digest(data) },
    })),
  };
}

const none: Champions = { now: undefined, ever: new Set<string>() };

function drawn(told: readonly Told[], champions = none): string {
  return metricChart(series(...told), champions)?.html ?? "";
}

const linesOf = (svg: string) =>
  [...svg.matchAll(/class="line" d="([^"]*)"/g)].map(([, path = ""]) => path.split(/[ML]/).length - 1);

test("one line goes through all versions that were measured on the same data", () => {
  expect(linesOf(drawn([{ value: 0.9 }, { value: 0.95 }, { value: 0.93 }]))).toEqual([3]);
});

const otherData: readonly Told[] = [{ value: 1 }, { value: 2 }, { value: 3, data: "2" }, { value: 4, data: "2" }];
const noNumber: readonly Told[] = [{ value: 1 }, { value: 2 }, { value: "NaN" }, { value: 4 }, { value: 5 }];

test.each([
  ["was measured on other data", otherData],
  ["has no number", noNumber],
])("the line is broken where a version %s", (_, told) => {
  expect(linesOf(drawn(told))).toEqual([2, 2]);
});

test("it is known whether the data changed", () => {
  expect([otherData, noNumber].map((told) => isBroken(series(...told)))).toEqual([true, false]);
});

test("nothing is drawn of fewer than two numbers", () => {
  expect(metricChart(series({ value: 1 }, { value: "NaN" }), none)).toBeUndefined();
});

test("the champion has a ring, those before it are filled", () => {
  const svg = drawn([{ value: 0.9 }, { value: 0.95 }, { value: 0.93 }], {
    now: "1.1.0",
    ever: new Set(["1.0.0", "1.1.0"]),
  });
  expect(svg.match(/class="champion"/g)).toHaveLength(1);
  expect(svg.match(/class="dot held"/g)).toHaveLength(2);
  expect(svg).toContain("<title>1.1.0: 0.95, champion</title>");
  expect(svg).toContain("<title>1.0.0: 0.9, was champion</title>");
});

test.each([
  ["the same", [0, 0]],
  ["tiny", [1e-12, 3e-12]],
  ["huge", [1e300, -1e300]],
  ["the largest", [Number.MAX_VALUE, Number.MAX_VALUE, 1, 2]],
  ["far apart", [1e-9, 1e9]],
])("every coordinate is a number where values are %s", (_, values) => {
  const svg = drawn(values.map((value) => ({ value })));
  expect(svg).not.toMatch(/NaN|Infinity/);
  expect((svg.match(/class="tick"/g) ?? []).length).toBeLessThan(12);
});
