import {
  type ArmCounts,
  type JudgePolicy,
  newJudge,
  observe,
  verdictOf,
} from "../../../actions/shared/domain/rollout/judge.ts";
import type { JudgeUnderTest, Seen } from "../judge-under-test.ts";

export type OurRules = { readonly margin: number; readonly maxRatio?: number; readonly ceiling?: number };

/** The judge of deploy-model itself, with one series and the defaults of a rollout. */
export function ours(name: string, rules: OurRules): JudgeUnderTest {
  const { margin, maxRatio = 2, ceiling = 0.01 } = rules;
  const policy: JudgePolicy = {
    against: "stable",
    alpha: 0.05,
    series: [{ name: "errors", margin, maxRatio, ceiling }],
    breaker: { rate: 0.25, minRequests: 50 },
  };
  return {
    name,
    decide(looks) {
      let judge = newJudge(policy);
      for (const [i, { candidate, stable }] of looks.entries()) {
        judge = observe(judge, { candidate: armOf(candidate), stable: armOf(stable) });
        const { state } = verdictOf(judge);
        if (state === "fail") return { do: "rollback", looks: i + 1 };
        if (state === "pass") return { do: "promote", looks: i + 1 };
      }
      return { do: "undecided", looks: looks.length };
    },
  };
}

function armOf(tally: Seen["stable"]): ArmCounts {
  return { started: tally.n, requests: tally.n, series: { errors: tally } };
}
