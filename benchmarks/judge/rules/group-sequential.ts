import { type JudgeUnderTest, untilFailed, zScore } from "../judge-under-test.ts";

/** Analyses of a design, at equal distances; the last one at the horizon. */
const ANALYSES = 5;

function groupSequential(name: string, critical: (analysis: number) => number): JudgeUnderTest {
  return {
    name,
    decide: (looks) =>
      untilFailed(looks, ({ total, number }) => {
        const analysis = (number * ANALYSES) / looks.length;
        return Number.isInteger(analysis) && zScore(total) > critical(analysis);
      }),
  };
}

/**
 * The same bound at each of five analyses. Pocock, "Group sequential methods in the design and analysis of clinical trials" (1977); its constant for a
 * one-sided 5 % and five analyses is 2.122 (Jennison and Turnbull, "Group Sequential Methods", table 2.1).
 */
export const pocock = groupSequential("Pocock, 5 analyses", () => 2.122);

/**
 * Strict at first, nearly the plain test at the end. O'Brien and Fleming, "A multiple testing procedure for clinical trials" (1979); constant 1.751 for a
 * one-sided 5 % and five analyses (Jennison and Turnbull, table 2.3).
 */
export const obrienFleming = groupSequential(
  "O'Brien-Fleming, 5 analyses",
  (analysis) => 1.751 * Math.sqrt(ANALYSES / analysis),
);
