import { expect, test } from "vitest";
import { stretchesOf } from "../../../../../actions/shared/domain/traffic/predictions.ts";

test("classes that one arm has never predicted are predicted by none of its requests", () => {
  const looks = [
    { candidate: { 3: 10 }, stable: { 3: 100 } },
    { candidate: { 3: 14 }, stable: { 3: 160, 8: 40 } },
    { candidate: { 3: 15 }, stable: { 3: 160, 8: 45 } },
  ];
  expect(stretchesOf(looks, false)).toEqual({
    names: ["3", "8"],
    stretches: [
      { candidate: [4, 0], stable: [60, 40] },
      { candidate: [1, 0], stable: [0, 5] },
    ],
  });
});

test("a bucket holds what lies over the one before it", () => {
  const after = {
    candidate: { Infinity: 10, 0.5: 6, 0.1: 1 },
    stable: { 0.1: 10, 0.5: 60, 0.7: 61, Infinity: 100 },
  };
  expect(stretchesOf([{ candidate: {}, stable: {} }, after], true)).toEqual({
    names: ["up to 0.1", "up to 0.5", "up to Infinity"],
    stretches: [{ candidate: [1, 5, 4], stable: [10, 50, 40] }],
  });
});

test("one look alone has nothing to compare", () => {
  expect(stretchesOf([{ candidate: { 3: 1 }, stable: { 3: 1 } }], false).stretches).toEqual([]);
  expect(stretchesOf([], false)).toEqual({ names: [], stretches: [] });
});
