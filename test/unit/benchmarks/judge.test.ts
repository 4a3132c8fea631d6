import { describe, expect, test } from "vitest";
import { goalsOf } from "../../../benchmarks/judge/goals.ts";
import { JUDGES, OURS, OURS_TIGHT } from "../../../benchmarks/judge/judges.ts";
import { measure } from "../../../benchmarks/judge/measure.ts";
import { page } from "../../../benchmarks/judge/page.ts";
import { powerChart } from "../../../benchmarks/judge/power-chart.ts";
import { measureAll } from "../../../benchmarks/judge/results.ts";
import { BROKEN, FOUR_TIMES, NONE, play, type Scenario, TWICE } from "../../../benchmarks/judge/scenarios.ts";
import { scrape } from "../../../benchmarks/judge/scrapes.ts";

const RUNS = 100;

/** Rolled back and promoted in percent, and the median minutes of a rollback. */
const cellsOf = (scenario: Scenario) =>
  [...measure({ scenario, judges: JUDGES, seed: 1, runs: RUNS, slowRuns: 30, play })].map(([name, cell]) => [
    name,
    Math.round(cell.rolledBack * 100),
    Math.round(cell.promoted * 100),
    cell.minutes,
  ]);

describe("every judge, on a hundred seeded runs", () => {
  test("of a candidate as good as stable", () => {
    expect(cellsOf(NONE)).toEqual([
      ["**ours**, margin 1.25 (default)", 0, 99, undefined],
      ["**ours**, margin 1", 3, 97, 1],
      ["Flagger-like: 99 %, threshold 5", 98, 2, 13.5],
      ["Argo-like: 99 %, failureLimit 0", 34, 66, 15],
      ["Argo-like: 99 %, failureLimit 3", 0, 100, undefined],
      ["z-test at 5 %, peeked at", 28, 72, 1.5],
      ["z-test at 5 %, once at the end", 5, 95, 30],
      ["Pocock, 5 analyses", 7, 93, 18],
      ["O'Brien-Fleming, 5 analyses", 6, 94, 18],
      ["SPRT for ratio 2", 2, 97, 8.5],
      ["Dirichlet mSPRT, k = 20, two-sided", 2, 98, 14.5],
      ["Kayenta's Mann-Whitney, once at the end", 0, 100, undefined],
      ["Kayenta's Mann-Whitney, peeked at after 10 points", 0, 100, undefined],
    ]);
  });

  test("of a candidate twice as bad", () => {
    expect(cellsOf(TWICE)).toEqual([
      ["**ours**, margin 1.25 (default)", 85, 0, 11.5],
      ["**ours**, margin 1", 100, 0, 7.5],
      ["Flagger-like: 99 %, threshold 5", 100, 0, 5.5],
      ["Argo-like: 99 %, failureLimit 0", 100, 0, 2.5],
      ["Argo-like: 99 %, failureLimit 3", 86, 14, 20],
      ["z-test at 5 %, peeked at", 100, 0, 1.5],
      ["z-test at 5 %, once at the end", 100, 0, 30],
      ["Pocock, 5 analyses", 100, 0, 6],
      ["O'Brien-Fleming, 5 analyses", 100, 0, 12],
      ["SPRT for ratio 2", 96, 4, 5],
      ["Dirichlet mSPRT, k = 20, two-sided", 100, 0, 8],
      ["Kayenta's Mann-Whitney, once at the end", 90, 10, 30],
      ["Kayenta's Mann-Whitney, peeked at after 10 points", 93, 7, 14],
    ]);
  });

  test("of a broken candidate", () => {
    expect(cellsOf(BROKEN)).toEqual([
      ["**ours**, margin 1.25 (default)", 100, 0, 0.5],
      ["**ours**, margin 1", 100, 0, 0.5],
      ["Flagger-like: 99 %, threshold 5", 100, 0, 2.5],
      ["Argo-like: 99 %, failureLimit 0", 100, 0, 2.5],
      ["Argo-like: 99 %, failureLimit 3", 100, 0, 10],
      ["z-test at 5 %, peeked at", 100, 0, 0.5],
      ["z-test at 5 %, once at the end", 100, 0, 30],
      ["Pocock, 5 analyses", 100, 0, 6],
      ["O'Brien-Fleming, 5 analyses", 100, 0, 6],
      ["SPRT for ratio 2", 100, 0, 0.5],
      ["Dirichlet mSPRT, k = 20, two-sided", 100, 0, 0.5],
      ["Kayenta's Mann-Whitney, once at the end", 100, 0, 30],
      ["Kayenta's Mann-Whitney, peeked at after 10 points", 100, 0, 5],
    ]);
  });
});

describe("through a metric server", () => {
  const total = (looks: ReturnType<typeof play>) => looks.reduce((sum, { candidate }) => sum + candidate.n, 0);
  const random = () => {
    let state = 1;
    return () => {
      state = (state * 16_807) % 2_147_483_647;
      return state / 2_147_483_647;
    };
  };

  test("nothing is lost of what was counted, and little where servers start again", () => {
    const expected = 0.1 * 50 * 1_800;
    const scraped = total(scrape(NONE, random(), { restarts: false }));
    const restarted = total(scrape(NONE, random(), { restarts: true }));
    expect(Math.abs(scraped - expected)).toBeLessThan(4 * Math.sqrt(expected));
    // at most what came between the last scrape and the new start, 5 requests/s for 15 s
    expect(restarted).toBeGreaterThan(expected - 4 * Math.sqrt(expected) - 100);
    expect(restarted).toBeLessThan(expected + 4 * Math.sqrt(expected));
  });

  test("judges come to the same", () => {
    const times = [false, true].map((restarts) =>
      [
        ...measure({
          scenario: FOUR_TIMES,
          judges: [OURS, OURS_TIGHT],
          seed: 1,
          runs: 40,
          slowRuns: 0,
          play: (scenario, seeded) => scrape(scenario, seeded, { restarts }),
        }).values(),
      ].map((cell) => [cell.rolledBack, cell.minutes]),
    );
    expect(times).toEqual([
      [
        [1, 2],
        [1, 1.5],
      ],
      [
        [1, 2.5],
        [1, 1.5],
      ],
    ]);
  });
});

describe("the page", () => {
  const extent = { seed: 1, runs: 12, slowRuns: 4 };
  const results = measureAll(extent);

  test("has a row of every judge and a goal of each promise, met or missed", () => {
    const text = page(results, extent);
    for (const { name } of JUDGES) expect(text).toContain(`| ${name} |`);
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
    const goals = goalsOf(results);
    expect(goals.filter(({ isPromised }) => isPromised)).toHaveLength(6);
    for (const { goal } of goals) expect(text).toContain(`| ${goal} |`);
  });

  test("tells of a promise that is broken", () => {
    const broken = new Map(results.usual).set(FOUR_TIMES.name, results.usual.get(NONE.name) ?? new Map());
    const text = page({ ...results, usual: broken }, extent);
    expect(text).toMatch(/four times the errors are found in 2\.5 min \(median\) \| never \| \*\*missed\*\*/);
  });
});

test("the chart has a line of every judge in each panel, and is well-formed", () => {
  const cells = measure({ scenario: FOUR_TIMES, judges: JUDGES.slice(0, 4), seed: 1, runs: 20, slowRuns: 0, play });
  const lines = [...cells].map(([name, cell]) => ({ name, cell }));
  const svg = powerChart([{ title: "A < B & C", lines }], 30);
  expect(svg).toContain("A &lt; B &amp; C");
  expect(svg.match(/stroke-width="(3|1\.5)"/g)).toHaveLength(2 * lines.length);
  expect(svg).not.toMatch(/NaN|undefined|\*\*/);
});
