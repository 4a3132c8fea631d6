import { type Random, seededRandom } from "../../actions/shared/domain/rollout/random.ts";
import type { Decision, JudgeUnderTest, Seen } from "./judge-under-test.ts";
import type { Scenario } from "./scenarios.ts";

/** What a judge made of all runs of a scenario. */
export type Cell = {
  readonly runs: number;
  readonly rolledBack: number;
  readonly promoted: number;
  /** Of the runs that were rolled back: medians of the time, and of the candidate's bad answers until then. */
  readonly minutes: number | undefined;
  readonly failed: number | undefined;
  /** Median time of those that were promoted. */
  readonly promotedMinutes: number | undefined;
  /** When runs were rolled back, in minutes, rising. */
  readonly times: readonly number[];
};

export type Measurement = {
  readonly scenario: Scenario;
  readonly judges: readonly JudgeUnderTest[];
  readonly seed: number;
  readonly runs: number;
  /** Of judges that are dear to compute. */
  readonly slowRuns: number;
  play(scenario: Scenario, random: Random): readonly Seen[];
};

/** Every judge on the same runs, by its name. */
export function measure({ scenario, judges, seed, runs, slowRuns, play }: Measurement): ReadonlyMap<string, Cell> {
  const decisions = new Map<string, Ended[]>(judges.map(({ name }) => [name, []]));
  for (let run = 0; run < runs; run++) {
    const looks = play(scenario, seededRandom(seed * 1_000_003 + run));
    for (const judge of judges) {
      if (judge.isSlow && run >= slowRuns) continue;
      decisions.get(judge.name)?.push(ended(judge.decide(looks), looks, scenario));
    }
  }
  return new Map([...decisions].map(([name, all]) => [name, summarize(all)]));
}

type Ended = { readonly do: Decision["do"]; readonly minutes: number; readonly failed: number };

function ended(decision: Decision, looks: readonly Seen[], { lookSeconds }: Scenario): Ended {
  let failed = 0;
  for (let i = 0; i < decision.looks; i++) failed += looks[i]?.candidate.bad ?? 0;
  return { do: decision.do, minutes: (decision.looks * lookSeconds) / 60, failed };
}

function summarize(all: readonly Ended[]): Cell {
  const back = all.filter((one) => one.do === "rollback");
  const promoted = all.filter((one) => one.do === "promote");
  return {
    runs: all.length,
    rolledBack: back.length / all.length,
    promoted: promoted.length / all.length,
    minutes: median(back.map(({ minutes }) => minutes)),
    failed: median(back.map(({ failed }) => failed)),
    promotedMinutes: median(promoted.map(({ minutes }) => minutes)),
    times: back.map(({ minutes }) => minutes).sort((a, b) => a - b),
  };
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}
