import { OURS, OURS_SLOW, OURS_SLOW_TIGHT, OURS_TIGHT } from "./judges.ts";
import type { Cell } from "./measure.ts";
import { cellOf, type Results, SCRAPED, type Table } from "./results.ts";
import {
  BROKEN,
  EVERY_SECOND,
  FOUR_TIMES,
  NO_TRAFFIC,
  type Scenario,
  SLOWER,
  TWICE,
  UNUSUAL,
  USUAL,
} from "./scenarios.ts";

export type Goal = {
  readonly goal: string;
  readonly measured: string;
  readonly isMet: boolean;
  /** A promise of the project; the others are told, and may be missed. */
  readonly isPromised: boolean;
};

/** What was promised of the judge, and what a reader would like to know beside it, with what was measured. */
export function goalsOf(results: Results): readonly Goal[] {
  const { usual, scraped, restarted, others } = results;
  const ours = (scenario: string, table: Table = usual) => cellOf(table, scenario, OURS.name);
  const tight = cellOf(usual, TWICE.name, OURS_TIGHT.name);
  const alarms = worst(healthyCells(results), ({ rolledBack }) => rolledBack);
  const slips = worst(
    [usual, scraped, restarted].flatMap((table) =>
      [OURS, OURS_TIGHT].map(({ name }) => cellOf(table, TWICE.name, name)),
    ),
    ({ promoted }) => promoted,
  );
  const none = ours(NO_TRAFFIC.name, others);
  return [
    {
      isPromised: true,
      ...atMost("false alarms, in the worst of all healthy columns of ours, at most 5 %", alarms, 0.05),
    },
    {
      isPromised: true,
      ...atMost(
        "however often it looks: a look each second, at most 5 %",
        ours(EVERY_SECOND.name, others).rolledBack,
        0.05,
      ),
    },
    { isPromised: true, ...atMost("a candidate `max-ratio` (2) times as bad is promoted in at most 5 %", slips, 0.05) },
    {
      isPromised: true,
      ...within(
        "four times the errors are found in 2.5 min (median)",
        [ours(FOUR_TIMES.name), ours(FOUR_TIMES.name, scraped)],
        2.5,
      ),
    },
    {
      isPromised: true,
      ...within("a broken candidate is found at the first look", [ours(BROKEN.name), ours(BROKEN.name, scraped)], 0.5),
    },
    {
      isPromised: true,
      goal: "a candidate without requests is neither promoted nor rolled back",
      measured: `${none.promoted + none.rolledBack} decided`,
      isMet: none.promoted + none.rolledBack === 0,
    },
    {
      isPromised: false,
      goal: "twice the errors are found in 95 % of the runs, in 9 min (median), with margin 1",
      measured: measuredText(tight),
      isMet: isFound(tight),
    },
    {
      isPromised: false,
      goal: "the same with the default margin 1.25",
      measured: measuredText(ours(TWICE.name)),
      isMet: isFound(ours(TWICE.name)),
    },
  ];
}

function healthyCells({ usual, unusual, slower, scraped, restarted }: Results): readonly Cell[] {
  const of = (table: Table, scenarios: readonly Scenario[], judges: readonly { readonly name: string }[]) =>
    scenarios
      .filter(({ isHealthy }) => isHealthy)
      .flatMap((scenario) => judges.map(({ name }) => cellOf(table, scenario.name, name)));
  const own = [OURS, OURS_TIGHT];
  return [
    ...of(usual, USUAL, own),
    ...of(unusual, UNUSUAL, own),
    ...of(slower, SLOWER, [OURS_SLOW, OURS_SLOW_TIGHT]),
    ...of(scraped, SCRAPED, own),
    ...of(restarted, SCRAPED, own),
  ];
}

function worst(cells: readonly Cell[], value: (cell: Cell) => number): number {
  return Math.max(...cells.map(value));
}

function atMost(goal: string, part: number, limit: number): Omit<Goal, "isPromised"> {
  return { goal, measured: percent(part), isMet: part <= limit };
}

function within(goal: string, cells: readonly Cell[], minutes: number): Omit<Goal, "isPromised"> {
  const slowest = worst(cells, (cell) => cell.minutes ?? Number.POSITIVE_INFINITY);
  return { goal, measured: Number.isFinite(slowest) ? `${slowest} min` : "never", isMet: slowest <= minutes };
}

function isFound({ rolledBack, minutes = Number.POSITIVE_INFINITY }: Cell): boolean {
  return rolledBack >= 0.95 && minutes <= 9;
}

function measuredText({ rolledBack, minutes }: Cell): string {
  return `${percent(rolledBack)}, ${minutes ?? "–"} min`;
}

function percent(part: number): string {
  return `${Number((part * 100).toFixed(1))} %`;
}
