import { type JudgeUnderTest, untilFailed, zScore } from "../judge-under-test.ts";

/** One-sided, 5 %. */
const CRITICAL = 1.6449;

/**
 * The test of two proportions that textbooks have, on all counts so far, looked at after every look. Made for one look: that peeking inflates its
 * false alarms is as old as Armitage, McPherson and Rowe, "Repeated Significance Tests on Accumulating Data" (1969).
 */
export const peekedZ: JudgeUnderTest = {
  name: "z-test at 5 %, peeked at",
  decide: (looks) => untilFailed(looks, ({ total }) => zScore(total) > CRITICAL),
};

/** The same test as it is meant: once, at the end. */
export const singleZ: JudgeUnderTest = {
  name: "z-test at 5 %, once at the end",
  decide: (looks) => untilFailed(looks, ({ total, number }) => number === looks.length && zScore(total) > CRITICAL),
};
