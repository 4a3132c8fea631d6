import type { JudgeUnderTest } from "./judge-under-test.ts";
import { argoLike, flaggerLike } from "./rules/constant-threshold.ts";
import { dirichlet } from "./rules/dirichlet.ts";
import { obrienFleming, pocock } from "./rules/group-sequential.ts";
import { mannWhitneyOnce, mannWhitneyPeeked } from "./rules/mann-whitney.ts";
import { ours } from "./rules/ours.ts";
import { sprt } from "./rules/sprt.ts";
import { peekedZ, singleZ } from "./rules/z-test.ts";

/** As a rollout has it where nothing is said. */
export const OURS = ours("**ours**, margin 1.25 (default)", { margin: 1.25 });
export const OURS_TIGHT = ours("**ours**, margin 1", { margin: 1 });
/** Where the bad event is a slow answer, of which there are more: the declared rate lies above what stable has. */
export const OURS_SLOW = ours(OURS.name, { margin: 1.25, ceiling: 0.06 });
/** And where a candidate 1.3 times as slow is too slow already. */
export const OURS_SLOW_TIGHT = ours("**ours**, margin 1, `max-ratio` 1.3", { margin: 1, maxRatio: 1.3, ceiling: 0.06 });

export const JUDGES: readonly JudgeUnderTest[] = [
  OURS,
  OURS_TIGHT,
  flaggerLike(5),
  argoLike(0),
  argoLike(3),
  peekedZ,
  singleZ,
  pocock,
  obrienFleming,
  sprt,
  dirichlet,
  mannWhitneyOnce,
  mannWhitneyPeeked,
];
