import { expect, it } from "vitest";
import { podsFor, shareOfPods } from "../../../../../actions/shared/domain/serving/pod-share.ts";

it.each([
  [0.1, 9, 1],
  [0.1, 8, 0],
  [0.25, 3, 1],
  [0.3, 3, 1],
  [0.5, 3, 3],
  [1, 3, 3],
])("a share of %d beside %d pods is %d pods", (share, stable, pods) => {
  expect(podsFor(share, stable)).toBe(pods);
});

it("is never more than what was asked for, and one pod more would be", () => {
  for (let percent = 1; percent < 100; percent++)
    for (let stable = 1; stable <= 40; stable++) {
      const pods = podsFor(percent / 100, stable);
      expect(shareOfPods(pods, stable)).toBeLessThanOrEqual(percent / 100 + 1e-9);
      expect(shareOfPods(pods + 1, stable)).toBeGreaterThan(percent / 100);
    }
});
