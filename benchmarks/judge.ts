import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { seededRandom } from "../actions/shared/domain/rollout/random.ts";
import { type Decision, JUDGES, type JudgeUnderTest } from "./judge/judges.ts";
import { LOOK_SECONDS, LOOKS, play, SCENARIOS, type Scenario, type Seen } from "./judge/scenarios.ts";

// How often canary judges err, on the same seeded runs. Writes judge.md; exits 1 where ours misses a goal of the project.

const { values } = parseArgs({
  options: { runs: { type: "string", default: "1000" }, seed: { type: "string", default: "1" } },
});
const RUNS = Number(values.runs);
const SEED = Number(values.seed);

type Cell = {
  readonly rolledBack: number;
  readonly promoted: number;
  /** Of the runs that were rolled back. */
  readonly medianMinutes: number | undefined;
  readonly medianFailed: number | undefined;
  /** Of the runs that were promoted. */
  readonly medianPromotion: number | undefined;
};

const cells = new Map<string, Cell>();
for (const scenario of SCENARIOS) {
  const runs = Array.from({ length: RUNS }, (_, i) => play(scenario, seededRandom(SEED * 1_000_003 + i)));
  for (const judge of JUDGES)
    cells.set(
      keyOf(judge, scenario),
      summarize(
        runs,
        runs.map((looks) => judge.decide(looks)),
      ),
    );
}

const text = page();
writeFileSync(join(import.meta.dirname, "judge.md"), text);
console.log(text);
const missed = goals().filter(([, , isMet]) => !isMet);
if (missed.length > 0) process.exitCode = 1;

function summarize(runs: readonly (readonly Seen[])[], decisions: readonly Decision[]): Cell {
  const back = decisions.flatMap((decision, i) =>
    decision.do === "rollback" ? [{ decision, looks: runs[i] ?? [] }] : [],
  );
  const promoted = decisions.filter((decision) => decision.do === "promote");
  const failed = back.map(({ decision, looks }) =>
    looks.slice(0, decision.looks).reduce((total, look) => total + look.candidate.bad, 0),
  );
  return {
    rolledBack: back.length / runs.length,
    promoted: promoted.length / runs.length,
    medianMinutes: median(back.map(({ decision }) => minutes(decision))),
    medianFailed: median(failed),
    medianPromotion: median(promoted.map(minutes)),
  };
}

function page(): string {
  const healthy = SCENARIOS.filter((scenario) => scenario.isHealthy);
  const bad = SCENARIOS.filter((scenario) => !scenario.isHealthy);
  const runs = `${RUNS.toLocaleString("en")} seeded runs of ${(LOOKS * LOOK_SECONDS) / 60} minutes, a look each ${LOOK_SECONDS} s`;
  return `# How often canary judges err

\`make bench-judge\` (\`node benchmarks/judge.ts --runs ${RUNS} --seed ${SEED}\`) writes this page: ${runs}, 50 requests/s, a tenth of
them to the candidate, 0.5 % of stable's answers bad, unless a row says otherwise. Arrivals are Poisson, errors independent; real traffic is
burstier. The other judges are models of what their projects decide by, written from their sources: no claim about a release of theirs.
Ours promotes on evidence (less than 2 times as bad, or under 1 %) and holds where there is none; the others promote whatever has not
failed in 30 minutes.

## Healthy candidates: rolled back (false alarms) / promoted

${table(healthy, (cell) => `${percent(cell.rolledBack)} / ${percent(cell.promoted)}`)}

## Bad candidates: rolled back, median minutes until then, median bad answers to users / promoted (missed)

${table(bad, (cell) => `${percent(cell.rolledBack)}${cell.medianMinutes === undefined ? "" : `, ${cell.medianMinutes} min, ${cell.medianFailed}`} / ${percent(cell.promoted)}`)}

## Goals

| goal | measured | |
|---|--:|---|
${goals()
  .map(([goal, measured, isMet]) => `| ${goal} | ${measured} | ${isMet ? "met" : "**missed**"} |`)
  .join("\n")}
`;
}

function goals(): readonly (readonly [string, string, boolean])[] {
  const [ours] = JUDGES;
  if (ours === undefined) return [];
  const of = (name: string): Cell => {
    const cell = cells.get(`${ours.name} ${name}`);
    if (cell === undefined) throw new Error(`no scenario ${name}`);
    return cell;
  };
  const alarms = SCENARIOS.filter(({ isHealthy }) => isHealthy).map(({ name }) => of(name).rolledBack);
  const worst = Math.max(...alarms);
  const twice = of("2 times the errors").promoted;
  const four = of("4 times the errors").medianMinutes ?? Number.POSITIVE_INFINITY;
  const broken = of("broken: every second answer").medianMinutes ?? Number.POSITIVE_INFINITY;
  return [
    ["false alarms, in the worst healthy row, at most 5 %", percent(worst), worst <= 0.05],
    ["a candidate `max-ratio` (2) times as bad is promoted in at most 5 %", percent(twice), twice <= 0.05],
    ["four times the errors are found in 2.5 min (median)", `${four} min`, four <= 2.5],
    ["a broken candidate is found at the first look", `${broken} min`, broken <= LOOK_SECONDS / 60],
  ];
}

function table(scenarios: readonly Scenario[], show: (cell: Cell) => string): string {
  const head = `| | ${JUDGES.map(({ name }) => name).join(" | ")} |`;
  const rows = scenarios.map((scenario) => {
    const shown = JUDGES.map((judge) => {
      const cell = cells.get(keyOf(judge, scenario));
      return cell === undefined ? "" : show(cell);
    });
    return `| ${scenario.name} | ${shown.join(" | ")} |`;
  });
  return [head, `|---|${JUDGES.map(() => "---:|").join("")}`, ...rows].join("\n");
}

function keyOf(judge: JudgeUnderTest, scenario: Scenario): string {
  return `${judge.name} ${scenario.name}`;
}

function minutes({ looks }: Decision): number {
  return (looks * LOOK_SECONDS) / 60;
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}

function percent(part: number): string {
  return `${Number((part * 100).toFixed(1))} %`;
}
