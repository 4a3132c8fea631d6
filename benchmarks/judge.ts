import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { goalsOf } from "./judge/goals.ts";
import { JUDGES } from "./judge/judges.ts";
import { page } from "./judge/page.ts";
import { powerChart } from "./judge/power-chart.ts";
import { cellOf, measureAll } from "./judge/results.ts";
import { FOUR_TIMES, MINUTES, NONE, TWICE } from "./judge/scenarios.ts";

// How often canary judges err, on the same seeded runs. Writes judge.md and judge.svg; exits 1 where ours breaks a promise of the project.

const { values } = parseArgs({
  options: { runs: { type: "string", default: "1000" }, seed: { type: "string", default: "1" } },
});
const runs = Number(values.runs);
const extent = { seed: Number(values.seed), runs, slowRuns: Math.min(runs, 300) };
const results = measureAll(extent);

const DRAWN = ["ours", "Flagger", "failureLimit 3", "peeked at", "Pocock", "SPRT", "mSPRT"];
const drawn = JUDGES.filter(({ name }) => DRAWN.some((part) => name.includes(part)) && !name.startsWith("Kayenta"));
const panels = [
  { title: "No difference: false alarms", scenario: NONE },
  { title: "2 times the errors", scenario: TWICE },
  { title: "4 times the errors", scenario: FOUR_TIMES },
].map(({ title, scenario }) => ({
  title,
  lines: drawn.map(({ name }) => ({ name, cell: cellOf(results.usual, scenario.name, name) })),
}));

const text = page(results, extent);
writeFileSync(join(import.meta.dirname, "judge.md"), text);
writeFileSync(join(import.meta.dirname, "judge.svg"), powerChart(panels, MINUTES));
console.log(text);
if (goalsOf(results).some(({ isPromised, isMet }) => isPromised && !isMet)) process.exitCode = 1;
