import { describe, expect, test } from "vitest";
import { compareAnswers } from "../../../../../actions/shared/domain/rollout/compare-answers.ts";
import {
  type DuelAnswer,
  type DuelBounds,
  duelOf,
  type Exchange,
  formatDuel,
  stepAfterDuel,
} from "../../../../../actions/shared/domain/rollout/duel.ts";
import { mcnemar } from "../../../../../actions/shared/domain/rollout/mcnemar.ts";
import type { Payload } from "../../../../../actions/shared/domain/rollout/payload.ts";

const answer = (data: readonly (number | string)[], more: object = {}) => ({
  model_name: "digits",
  model_version: "1",
  outputs: [{ name: "label", shape: [data.length], datatype: "INT64", data }],
  ...more,
});

const said = (data: readonly number[], ms = 10): DuelAnswer => ({ state: "answered", value: answer(data), ms });
const silent: DuelAnswer = { state: "failed", what: "status 500: out of memory" };

const exchange = (
  payload: number,
  [stable, candidate]: readonly [DuelAnswer, DuelAnswer],
  of: Partial<Payload> = {},
): Exchange => ({ payload, of: { request: {}, tolerance: 0, ...of }, stable, candidate });

describe("two answers", () => {
  type Row = readonly [string, unknown, unknown, number, string | undefined, number | undefined];
  test.each<Row>([
    ["the same prediction of two versions", answer([3]), answer([3], { model_version: "2", id: "x" }), 0, undefined, 0],
    ["another label", answer([3]), answer([8]), 0, "outputs[0].data[0]", 5],
    ["numbers within the tolerance", answer([0.5]), answer([0.51]), 0.02, undefined, 0.01],
    ["the first of several places", answer([1, 2]), answer([2, 9]), 0, "outputs[0].data[0]", 7],
    ["another length", answer([1, 2]), answer([1]), 0, "outputs[0].shape[0]", 1],
    ["a text beside a number", answer(["3"]), answer([3]), 0, "outputs[0].data[0]", 0],
    ["TF Serving and KServe v1", { predictions: [1] }, { predictions: [1], model: "b" }, 0, undefined, 0],
    ["plain values", { score: 0.1 }, { score: 0.3 }, 0, "score", 0.2],
    ["a member that only one has", { score: 1 }, { score: 1, why: "x" }, 0, "why", 0],
    ["no object at all", "yes", "no", 0, "answer", undefined],
    ["null and nothing", { a: null }, {}, 0, "a", undefined],
  ])("%s", (_, ...[stable, candidate, tolerance, path, largest]) => {
    const { first, largest: most } = compareAnswers(stable, candidate, tolerance);
    expect(first?.path).toBe(path);
    if (largest === undefined) expect(most).toBeUndefined();
    else expect(most?.difference).toBeCloseTo(largest, 12);
  });

  test("have their tensors by name, in whichever order they come", () => {
    const [a, b] = [
      { name: "a", shape: [1], data: [1] },
      { name: "b", shape: [1], data: [2] },
    ];
    expect(compareAnswers({ outputs: [a, b] }, { outputs: [b, a] }, 0).first).toBeUndefined();
  });
});

describe("a duel", () => {
  const exchanges = [
    exchange(1, [said([3], 10), said([3], 20)], { expect: answer([3]), slice: { class: "3" } }),
    exchange(2, [said([3], 10), said([8], 20)], { expect: answer([3]), slice: { class: "3" } }),
    exchange(3, [said([1], 12), said([1], 24)], { expect: answer([1]), slice: { class: "1", kind: "blurred" } }),
    exchange(4, [said([7], 10), said([1], 20)], { expect: answer([1]), slice: { class: "1" } }),
    exchange(5, [said([1], 10), silent], { slice: { kind: "blurred" } }),
    exchange(6, [silent, said([1])], { expect: answer([1]) }),
  ];
  const duel = duelOf(exchanges, 60);

  test("counts what both answered alike, and what the candidate left unanswered as different", () => {
    expect(duel).toMatchObject({ payloads: 60, asked: 6, compared: 5, agreed: 2, unanswered: 1 });
    expect(duel.largest).toEqual({ payload: 4, path: "outputs[0].data[0]", difference: 6 });
    expect(duel.latency).toEqual({ candidate: 20, stable: 10 });
  });

  test("names the slices that differ, worst first", () => {
    expect(duel.slices).toEqual([
      { slice: "class=3", compared: 2, differing: 1 },
      { slice: "class=1", compared: 2, differing: 1 },
      { slice: "kind=blurred", compared: 2, differing: 1 },
    ]);
    const worst = [
      exchange(1, [said([1]), said([2])], { slice: { class: "9" } }),
      exchange(2, [said([1]), said([1])], { slice: { class: "0" } }),
      ...exchanges,
    ];
    expect(duelOf(worst, 8).slices[0]).toEqual({ slice: "class=9", compared: 1, differing: 1 });
    expect(duelOf(worst, 8).slices.map(({ slice }) => slice)).not.toContain("class=0");
  });

  test("counts who was right where that is known", () => {
    expect(duel.labels).toEqual({ compared: 4, candidate: 3, stable: 3, onlyCandidate: 1, onlyStable: 1, chance: 1 });
    expect(duelOf([exchange(1, [said([1]), said([1])])], 1).labels).toBeUndefined();
  });

  test("keeps the first payloads that differ", () => {
    expect(duel.differing).toEqual([
      { payload: 2, path: "outputs[0].data[0]", stable: "3", candidate: "8" },
      { payload: 4, path: "outputs[0].data[0]", stable: "7", candidate: "1" },
      { payload: 5, path: "answer", stable: "an answer", candidate: "status 500: out of memory" },
    ]);
  });

  test("reads as a sentence", () => {
    expect(formatDuel(duel)).toBe(
      "asked both versions 6 payloads: 40 % answered alike, largest difference 6, 2 times the champion's time, right in 3 of 4, the champion in 3",
    );
  });

  describe("comes before any traffic", () => {
    const stepBy = (bounds: DuelBounds, of = duel, onNoData: "hold" | "rollback" = "hold") =>
      stepAfterDuel(of, bounds, onNoData);

    test("and goes on where nothing was declared, or what was declared holds", () => {
      expect(stepBy({})).toBeUndefined();
      expect(stepBy({ minAgreement: 0.4, maxDifference: 6 })).toBeUndefined();
    });

    test("and ends the rollout with every bound that does not hold", () => {
      expect(stepBy({ minAgreement: 0.41, maxDifference: 5.9 })).toEqual({
        do: "rollback",
        reasons: [
          { why: "disagreement", agreed: 2, compared: 5, allowed: 0.41 },
          { why: "difference", payload: 4, path: "outputs[0].data[0]", difference: 6, allowed: 5.9 },
        ],
      });
    });

    test("and is missing data, never a pass, where there was nothing to compare with", () => {
      const none = duelOf([exchange(1, [silent, said([1])])], 1);
      expect(stepBy({ minAgreement: 0.5 }, none)).toEqual({ do: "hold", reasons: [{ why: "no-duel", asked: 1 }] });
      expect(stepBy({ maxDifference: 1 }, none, "rollback")).toMatchObject({ do: "rollback" });
      expect(stepAfterDuel(undefined, { maxDifference: 1 }, "hold")).toMatchObject({ do: "hold" });
    });
  });
});

// Exact values: sums of binomial coefficients over a power of two.
test.each([
  [0, 0, 1],
  [1, 6, 16 / 128],
  [2, 10, (2 * (1 + 12 + 66)) / 4_096],
  [10, 2, (2 * (1 + 12 + 66)) / 4_096],
  [5, 5, 1],
  [0, 20, 2 / 2 ** 20],
])("McNemar's exact test of %d and %d discordant pairs", (a, b, chance) => {
  expect(mcnemar(a, b)).toBeCloseTo(chance, 12);
});

test("McNemar's exact test bears thousands of pairs", () => {
  expect(mcnemar(5_000, 5_400)).toBeGreaterThan(0);
  expect(mcnemar(5_000, 5_400)).toBeLessThan(1e-4);
});
