import { JUDGES, OURS, OURS_SLOW, OURS_SLOW_TIGHT, OURS_TIGHT } from "./judges.ts";
import { type Cell, type Measurement, measure } from "./measure.ts";
import { EVERY_SECOND, NO_TRAFFIC, play, type Scenario, SLOWER, UNUSUAL, USUAL } from "./scenarios.ts";
import { scrape } from "./scrapes.ts";

/** By scenario, and by judge within each. */
export type Table = ReadonlyMap<string, ReadonlyMap<string, Cell>>;

export type Results = {
  readonly usual: Table;
  readonly unusual: Table;
  readonly slower: Table;
  readonly scraped: Table;
  readonly restarted: Table;
  readonly others: Table;
};

export type Extent = { readonly seed: number; readonly runs: number; readonly slowRuns: number };

/** What the metric server is shown: the usual rows, and shares that rise. */
export const SCRAPED: readonly Scenario[] = [...USUAL, ...UNUSUAL.filter(({ name }) => name.startsWith("ramp"))];

export function measureAll(extent: Extent): Results {
  const own = [OURS, OURS_TIGHT];
  const otherJudges = JUDGES.filter((judge) => !own.includes(judge));
  const tableOf = (scenarios: readonly Scenario[], more: Pick<Measurement, "judges" | "play">): Table =>
    new Map(scenarios.map((scenario) => [scenario.name, measure({ ...extent, scenario, ...more })]));
  const scraped = (restarts: boolean): Table =>
    tableOf(SCRAPED, { judges: own, play: (scenario, random) => scrape(scenario, random, { restarts }) });
  return {
    usual: tableOf(USUAL, { judges: JUDGES, play }),
    unusual: tableOf(UNUSUAL, { judges: JUDGES, play }),
    slower: tableOf(SLOWER, { judges: [OURS_SLOW, OURS_SLOW_TIGHT, ...otherJudges.filter(isRelative)], play }),
    scraped: scraped(false),
    restarted: scraped(true),
    others: tableOf([EVERY_SECOND, NO_TRAFFIC], { judges: own, play }),
  };
}

/** A constant of 99 % says nothing where a twentieth of the answers is slow. */
function isRelative({ name }: { readonly name: string }): boolean {
  return !name.includes("99 %");
}

export function cellOf(table: Table, scenario: string, judge: string): Cell {
  const cell = table.get(scenario)?.get(judge);
  if (cell === undefined) throw new Error(`${judge} was not measured on "${scenario}"`);
  return cell;
}
