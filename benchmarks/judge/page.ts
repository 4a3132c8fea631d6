import { goalsOf } from "./goals.ts";
import { OURS, OURS_TIGHT } from "./judges.ts";
import type { Cell } from "./measure.ts";
import { cellOf, type Extent, type Results, type Table } from "./results.ts";
import { FOUR_TIMES, NONE, TWICE } from "./scenarios.ts";

/** The results for people, as Markdown. */
export function page(results: Results, { seed, runs, slowRuns }: Extent): string {
  const goals = goalsOf(results);
  return `# How often canary judges err

\`make bench-judge\` (\`node benchmarks/judge.ts --runs ${runs} --seed ${seed}\`) writes this page and its chart: ${runs.toLocaleString("en")} seeded runs of 30 minutes (Kayenta's test: ${slowRuns.toLocaleString("en")}),
a look each 30 s, 50 requests/s, a tenth of them to the candidate, 0.5 % of stable's answers bad, unless a column says otherwise. Arrivals are Poisson, errors
independent; real traffic is burstier. The other judges are models of what their projects or textbooks decide by, written from their sources (\`benchmarks/judge/rules/\`):
no claim about a release of theirs. Ours promotes on evidence (less than 2 times as bad, or under 1 %) and holds where there is none; the others promote whatever has not
failed in 30 minutes (SPRT: what it accepts).

![Part of the runs that were rolled back over time](judge.svg)

## Goals

| goal | measured | |
|---|--:|---|
${goals.map(({ goal, measured, isMet }) => `| ${goal} | ${measured} | ${isMet ? "met" : "**missed**"} |`).join("\n")}

The default margin of 1.25 is a choice: pods differ, and with correlated noise a margin of 1 alarms falsely more often than it says. It is paid for in the time to find a candidate that is
only twice as bad, which is not promoted meanwhile.

## Usual traffic

Of healthy columns: rolled back (false alarms). Of bad ones: rolled back, median minutes until then, median bad answers of the candidate until then.

${tableOf(results.usual, verdictText)}

## Less usual traffic

${tableOf(results.unusual, verdictText)}

Ramps go 5, 10, 25, 50 % while the common rate swings between 0.5 % and 2.5 %: who adds up counts of different shares is misled (Simpson's paradox).

## Latency: answers over the bound

The same test on two other integers: requests, and those that took longer than a bucket's bound. \`max-rate\` of the series is 6 % here. 5 % to 7 % is 1.4 times as many, which the default
\`max-ratio\` of 2 allows: what is not rolled back there is promoted, on proof.

${tableOf(results.slower, verdictText)}

## What is promoted

Promoted, median minutes until then. A candidate twice as bad that is promoted slipped through.

| | ${NONE.name} | ${TWICE.name} | ${FOUR_TIMES.name} |
|---|---:|---:|---:|
${[...(results.usual.get(NONE.name)?.keys() ?? [])]
  .map(
    (judge) =>
      `| ${judge} | ${[NONE, TWICE, FOUR_TIMES].map(({ name }) => promotionText(cellOf(results.usual, name, judge))).join(" | ")} |`,
  )
  .join("\n")}

## Through a metric server

The same traffic, but what the judge sees are counters: one server of the candidate and three of stable, each asked every 15 s at a time of its own, read at each look by the code of
\`domain/traffic\`. In the lower half the candidate's server and one of stable's start again in the fourth minute.

${scrapedTable(results)}

## However often one looks

| | rolled back | promoted |
|---|---:|---:|
${[...results.others]
  .flatMap(([scenario, cells]) =>
    [...cells].map(
      ([judge, cell]) => `| ${scenario}, ${judge} | ${percent(cell.rolledBack)} | ${percent(cell.promoted)} |`,
    ),
  )
  .join("\n")}

Without a request of the candidate every look is \`no-data\`: neither a pass nor a failure.
`;
}

function tableOf(table: Table, show: (cell: Cell, scenario: string) => string): string {
  const scenarios = [...table.keys()];
  const judges = [...(table.get(scenarios[0] ?? "")?.keys() ?? [])];
  const rows = judges.map(
    (judge) =>
      `| ${judge} | ${scenarios.map((scenario) => show(cellOf(table, scenario, judge), scenario)).join(" | ")} |`,
  );
  return [`| | ${scenarios.join(" | ")} |`, `|---|${scenarios.map(() => "---:|").join("")}`, ...rows].join("\n");
}

function scrapedTable({ usual, unusual, scraped, restarted }: Results): string {
  const scenarios = [...scraped.keys()];
  const direct: Table = new Map([...usual, ...unusual]);
  const rows = [
    ["counted directly", direct],
    ["scraped", scraped],
    ["scraped, servers start again", restarted],
  ] as const;
  const lines = [OURS, OURS_TIGHT].flatMap((judge) =>
    rows.map(
      ([how, table]) =>
        `| ${judge.name}, ${how} | ${scenarios.map((scenario) => verdictText(cellOf(table, scenario, judge.name))).join(" | ")} |`,
    ),
  );
  return [`| | ${scenarios.join(" | ")} |`, `|---|${scenarios.map(() => "---:|").join("")}`, ...lines].join("\n");
}

function verdictText({ rolledBack, minutes, failed }: Cell): string {
  return minutes === undefined ? percent(rolledBack) : `${percent(rolledBack)}, ${minutes} min, ${failed}`;
}

function promotionText({ promoted, promotedMinutes }: Cell): string {
  return promotedMinutes === undefined ? percent(promoted) : `${percent(promoted)}, ${promotedMinutes} min`;
}

function percent(part: number): string {
  return `${Number((part * 100).toFixed(1))} %`;
}
