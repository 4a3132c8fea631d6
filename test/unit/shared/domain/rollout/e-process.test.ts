import { describe, expect, test } from "vitest";
import {
  CEILING_PARTS,
  type EProcess,
  FAIL_RATIOS,
  logEvidence,
  noEvidence,
  observeCeiling,
  observeRatio,
  PASS_RATIOS,
  type Pair,
} from "../../../../../actions/shared/domain/rollout/e-process.ts";

/** `n_c, n_s, e_c, e_s`, as the vectors are published. */
type Counts = readonly [number, number, number, number];

const pairOf = ([candidateN, stableN, candidateBad, stableBad]: Counts): Pair => ({
  candidate: { n: candidateN, bad: candidateBad },
  stable: { n: stableN, bad: stableBad },
});

/** Evidence after each look. */
function evidence<T>(looks: readonly T[], start: EProcess, observe: (process: EProcess, look: T) => EProcess) {
  let process = start;
  return looks.map((look) => {
    process = observe(process, look);
    return logEvidence(process);
  });
}

/** The vectors are published with six decimals, some of them cut, not rounded. */
function expectVector(seen: readonly number[], vector: readonly number[]) {
  expect(seen).toHaveLength(vector.length);
  seen.forEach((value, i) => {
    expect(Math.abs(value - vector[i]!), `look ${i + 1}: ${value}`).toBeLessThan(1e-6);
  });
}

const fails = (margin: number, looks: readonly Counts[]) =>
  evidence(looks, noEvidence(FAIL_RATIOS), (process, look) =>
    observeRatio(process, pairOf(look), { margin, ratios: FAIL_RATIOS }),
  );
const passes = (margin: number, looks: readonly Counts[]) =>
  evidence(looks, noEvidence(PASS_RATIOS), (process, look) =>
    observeRatio(process, pairOf(look), { margin, ratios: PASS_RATIOS }),
  );
const ceilings = (ceiling: number, looks: readonly (readonly [number, number])[]) =>
  evidence(looks, noEvidence(CEILING_PARTS), (process, [n, bad]) =>
    observeCeiling(process, { n, bad }, { ceiling, parts: CEILING_PARTS }),
  );

const WORSE: readonly Counts[] = [
  [150, 1350, 1, 7],
  [148, 1360, 3, 6],
  [150, 1350, 0, 0],
  [151, 1349, 5, 7],
  [152, 1340, 6, 8],
];

describe("the published vectors", () => {
  test.each([
    ["fail test, margin 1", () => fails(1, WORSE), [-0.542229, 0.630784, 0.630784, 3.656087, 8.059728]],
    ["fail test, margin 1.25", () => fails(1.25, WORSE), [-0.701078, 0.19369, 0.19369, 2.491168, 5.897049]],
    [
      "pass test, ratio 2",
      () =>
        passes(
          2,
          Array.from({ length: 6 }, (): Counts => [150, 1350, 1, 7]),
        ),
      [0.013759, 0.041305, 0.080312, 0.128635, 0.184399, 0.246028],
    ],
    ["one broken look", () => fails(1, [[150, 1350, 75, 7]]), [141.543816]],
    ["two errors, none on stable", () => fails(1, [[150, 1350, 2, 0]]), [2.77892]],
    ["three errors, none on stable", () => fails(1, [[150, 1350, 3, 0]]), [4.565654]],
    [
      "ceiling 1 %, flawless",
      () =>
        ceilings(0.01, [
          [150, 0],
          [150, 0],
          [150, 0],
          [150, 0],
        ]),
      [1.104792, 2.337603, 3.65528, 5.026005],
    ],
    [
      "ceiling 1 %, one bad event",
      () =>
        ceilings(0.01, [
          [150, 0],
          [150, 0],
          [150, 1],
          [150, 0],
          [150, 0],
        ]),
      [1.104792, 2.337603, 1.403751, 2.471532, 3.615543],
    ],
    [
      "ceiling 2 %",
      () =>
        ceilings(0.02, [
          [200, 1],
          [200, 0],
          [200, 2],
        ]),
      [1.079335, 4.040046, 3.913419],
    ],
  ] as const)("%s", (_, run, vector) => {
    expectVector(run(), vector);
  });
});

test("an interval in which one arm saw nothing is no evidence", () => {
  expect(
    fails(1, [
      [0, 100, 0, 50],
      [100, 0, 50, 0],
    ]),
  ).toEqual([0, 0]);
});

test("a bad event that no alternative of rate 0 allows leaves the others standing", () => {
  const [logE] = ceilings(0.01, [[1, 1]]);
  expect(logE).toBeCloseTo(Math.log((0.1 + 0.25 + 0.5 + 0.75) / 5), 12);
});
