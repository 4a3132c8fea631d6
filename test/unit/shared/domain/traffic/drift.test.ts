import { describe, expect, test } from "vitest";
import { binomial, type Random, seededRandom } from "../../../../../actions/shared/domain/rollout/random.ts";
import {
  chiSquareQuantile,
  driftOf,
  driftPolicyOf,
  formatDrift,
  formatShifts,
} from "../../../../../actions/shared/domain/traffic/drift.ts";

const EVEN = Array.from({ length: 10 }, () => 0.1);
const policy = driftPolicyOf({});

/** How many of `n` predictions fall into each bin. */
function draw(random: Random, n: number, parts: readonly number[]): readonly number[] {
  let left = n;
  let rest = 1;
  return parts.map((part, i) => {
    const count = i === parts.length - 1 ? left : binomial(random, left, part / rest);
    left -= count;
    rest -= part;
    return count;
  });
}

test.each([
  [100, 0.219],
  [300, 0.074],
  [1_000, 0.024],
])("the noise floor of ten bins at %i against 10000 predictions is %f", (n, floor) => {
  const drift = driftOf([{ candidate: EVEN.map(() => n / 10), stable: EVEN.map(() => 1_000) }], policy);
  expect(drift).toMatchObject({ noise: expect.closeTo(floor, 3) });
});

test("quantiles of chi-square are those of the tables", () => {
  expect(chiSquareQuantile(0.95, 1)).toBeCloseTo(3.841, 3);
  expect(chiSquareQuantile(0.99, 9)).toBeCloseTo(21.666, 3);
  expect(chiSquareQuantile(0.99, 50)).toBeCloseTo(76.154, 3);
});

describe.each(["psi", "js"] as const)("drift by %s", (measure) => {
  const own = driftPolicyOf({ measure, limit: measure === "psi" ? 0.1 : 0.0125 });

  test("is seen at its rate of false alarms where there is none, at a hundred predictions", () => {
    const random = seededRandom(7);
    let alarms = 0;
    let overLimit = 0;
    const runs = 1_500;
    for (let run = 0; run < runs; run++) {
      const drift = driftOf([{ candidate: draw(random, 100, EVEN), stable: draw(random, 10_000, EVEN) }], own);
      if (drift.state === "drifted") alarms += 1;
      if (drift.state !== "no-data" && drift.value > own.limit) overLimit += 1;
    }
    expect(alarms / runs).toBeLessThan(0.02);
    // what the limit alone would have done
    expect(overLimit / runs).toBeGreaterThan(0.2);
  });

  test("is found where a class is predicted twice as often", () => {
    const random = seededRandom(8);
    const moved = [0.3, ...Array.from({ length: 9 }, () => 0.7 / 9)];
    const found = Array.from({ length: 200 }, () =>
      driftOf([{ candidate: draw(random, 1_000, moved), stable: draw(random, 9_000, EVEN) }], own),
    ).filter(({ state }) => state === "drifted").length;
    expect(found / 200).toBeGreaterThan(0.95);
  });

  test("is none where what is asked changes over the day while the share rises", () => {
    const random = seededRandom(9);
    const [morning, evening] = [
      [0.9, 0.1],
      [0.1, 0.9],
    ];
    const stretches = [
      { candidate: draw(random, 100, morning), stable: draw(random, 9_900, morning) },
      { candidate: draw(random, 5_000, evening), stable: draw(random, 5_000, evening) },
    ];
    expect(driftOf(stretches, own).state).toBe("none");
    const pooled = {
      candidate: [0, 1].map((i) => sumOf(stretches, "candidate", i)),
      stable: [0, 1].map((i) => sumOf(stretches, "stable", i)),
    };
    expect(driftOf([pooled], own).state).toBe("drifted");
  });
});

function sumOf(
  stretches: readonly { readonly candidate: readonly number[]; readonly stable: readonly number[] }[],
  arm: "candidate" | "stable",
  bin: number,
): number {
  return stretches.reduce((sum, one) => sum + (one[arm][bin] ?? 0), 0);
}

test("of a million predictions a difference that does not matter is small", () => {
  const drift = driftOf([{ candidate: [510_000, 490_000], stable: [500_000, 500_000] }], policy);
  expect(drift.state).toBe("small");
  expect(formatDrift(drift)).toBe(
    "predictions differ from the champion's, by too little to matter: stability index 0.000400 over 2 bins, 1000000 against 1000000 predictions of the same minutes; chance alone reaches 0.0000133, what matters begins at 0.25",
  );
});

test("a class that only one of them predicts counts, and does not make everything infinite", () => {
  const drift = driftOf([{ candidate: [500, 0, 500], stable: [5_000, 5_000, 0] }], policy);
  expect(drift.state).toBe("drifted");
  expect(drift).toHaveProperty("value", expect.closeTo(6.9, 1));
});

test.each([
  ["no predictions at all", []],
  ["none of the candidate's", [{ candidate: [0, 0], stable: [10, 10] }]],
  ["one bin only", [{ candidate: [100], stable: [100] }]],
  ["too few for two bins", [{ candidate: [2, 2], stable: [100, 100] }]],
])("says nothing of %s", (_, stretches) => {
  expect(driftOf(stretches, policy).state).toBe("no-data");
});

test("names what moved most", () => {
  const counts = { candidate: [10, 60, 30], stable: [300, 400, 300] };
  expect(formatShifts(["class 0", "class 1", "class 2"], counts)).toEqual([
    "class 0: 10 % against 30 %",
    "class 1: 60 % against 40 %",
    "class 2: 30 % against 30 %",
  ]);
});
