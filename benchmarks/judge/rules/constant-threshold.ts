import { NOTHING, type Tally } from "../../../actions/shared/domain/rollout/e-process.ts";
import { type JudgeUnderTest, untilFailed } from "../judge-under-test.ts";

/** What both are given in their documentation's examples. */
const MIN_SUCCESS = 0.99;

/**
 * Flagger: the success rate of each interval against a constant; failed checks add up, are never reset by good ones, and at `threshold` it
 * rolls back; no data is a failed check. fluxcd/flagger, `pkg/controller/scheduler.go` and `pkg/metrics/providers/prometheus.go`.
 */
export function flaggerLike(threshold: number): JudgeUnderTest {
  return {
    name: `Flagger-like: 99 %, threshold ${threshold}`,
    decide(looks) {
      let failedChecks = 0;
      return untilFailed(looks, ({ look }) => {
        if (!(success(look.candidate) >= MIN_SUCCESS)) failedChecks += 1;
        return failedChecks >= threshold;
      });
    },
  };
}

/** Looks of one measurement: a window of 2.5 minutes at a look each 30 s. */
const WINDOW = 5;

/**
 * Argo Rollouts: the success rate of a window against a constant, measured once a window; more failures than `failureLimit` abort; NaN is a
 * failure of `result[0] >= 0.99`. argoproj/argo-rollouts, `analysis/analysis.go` and `utils/evaluate/evaluate.go`.
 */
export function argoLike(failureLimit: number): JudgeUnderTest {
  return {
    name: `Argo-like: 99 %, failureLimit ${failureLimit}`,
    decide(looks) {
      let failures = 0;
      let window: Tally = NOTHING;
      return untilFailed(looks, ({ look: { candidate }, number }) => {
        window = { n: window.n + candidate.n, bad: window.bad + candidate.bad };
        if (number % WINDOW !== 0) return false;
        if (!(success(window) >= MIN_SUCCESS)) failures += 1;
        window = NOTHING;
        return failures > failureLimit;
      });
    },
  };
}

function success({ n, bad }: Tally): number {
  return n === 0 ? Number.NaN : 1 - bad / n;
}
