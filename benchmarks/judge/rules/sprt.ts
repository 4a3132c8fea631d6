import { observeRatio } from "../../../actions/shared/domain/rollout/e-process.ts";
import type { JudgeUnderTest } from "../judge-under-test.ts";

/** False alarms, and misses of a candidate twice as bad. */
const [ALPHA, BETA] = [0.05, 0.05];

/**
 * The sequential probability ratio test of "as bad" against "twice as bad", on whom each bad answer falls. Accepts as well as rejects.
 * Wald, "Sequential Tests of Statistical Hypotheses" (1945).
 */
export const sprt: JudgeUnderTest = {
  name: "SPRT for ratio 2",
  decide(looks) {
    let logRatio: readonly number[] = [0];
    for (const [i, look] of looks.entries()) {
      logRatio = observeRatio(logRatio, look, { margin: 1, ratios: [2] });
      const [value = 0] = logRatio;
      if (value >= Math.log((1 - BETA) / ALPHA)) return { do: "rollback", looks: i + 1 };
      if (value <= Math.log(BETA / (1 - ALPHA))) return { do: "promote", looks: i + 1 };
    }
    return { do: "undecided", looks: looks.length };
  },
};
