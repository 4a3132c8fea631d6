import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { followRun } from "../actions/run-pipeline/follow/follow-run.ts";
import { seededRandom } from "../actions/shared/domain/rollout/random.ts";
import type { RunStatus } from "../actions/shared/domain/run/task.ts";
import type { Clock } from "../actions/shared/ports/clock.ts";
import type { PipelineEngine } from "../actions/shared/ports/pipeline-engine.ts";
import { silentLog } from "../test/support/logs.ts";
import { virtualClock } from "../test/support/virtual-clock.ts";

// How late a wait notices that a run has ended, and what that costs in calls: the action's own following of a run, on a virtual clock. Writes wait.md.

const { values } = parseArgs({
  options: { runs: { type: "string", default: "40" }, seed: { type: "string", default: "1" } },
});
const RUNS = Number(values.runs);
const SEED = Number(values.seed);

/** Of one call, there and back. */
const CALL_MS = 80;
/** From a change on the server to the watcher. */
const EVENT_MS = 40;
const MINUTE = 60_000;
const START = Date.parse("2026-11-21T09:00:00Z");

type Strategy = { readonly name: string; readonly lookMs: PipelineEngine["lookMs"]; readonly watches: boolean };

const every = (seconds: number): Strategy["lookMs"] => ({ min: seconds * 1_000, max: seconds * 1_000 });

const STRATEGIES: readonly Strategy[] = [
  { name: "**ours, looking**: 1 % of what was waited, 2 to 30 s", lookMs: { min: 2_000, max: 30_000 }, watches: false },
  { name: "**ours, watching**, and a look each minute", lookMs: every(60), watches: true },
  { name: "each 5 s (the KFP SDK)", lookMs: every(5), watches: false },
  { name: "each 10 s", lookMs: every(10), watches: false },
  { name: "each 60 s", lookMs: every(60), watches: false },
];

/** Medians of log-normal lengths, each a third longer or shorter (one standard deviation of 0.3). */
const CLASSES = [
  { name: "3 minutes (a pull request)", medianMs: 3 * MINUTE },
  { name: "45 minutes", medianMs: 45 * MINUTE },
  { name: "9 hours", medianMs: 9 * 60 * MINUTE },
] as const;

type Cell = { readonly meanMs: number; readonly p95Ms: number; readonly callsPerHour: number };

const cells = new Map<string, Cell>();
for (const { name, medianMs } of CLASSES) {
  const random = seededRandom(SEED);
  const lengths = Array.from({ length: RUNS }, () => Math.round(medianMs * Math.exp(0.3 * normal(random))));
  for (const strategy of STRATEGIES) {
    const waits: { late: number; calls: number }[] = [];
    for (const lengthMs of lengths) waits.push(await waitOnce(strategy, lengthMs));
    const late = waits.map((one) => one.late).toSorted((a, b) => a - b);
    cells.set(`${name} ${strategy.name}`, {
      meanMs: sum(late) / late.length,
      p95Ms: late[Math.floor(0.95 * late.length)] ?? Number.NaN,
      callsPerHour: (sum(waits.map((one) => one.calls)) / sum(lengths)) * 60 * MINUTE,
    });
  }
}
const text = page();
writeFileSync(join(import.meta.dirname, "wait.md"), text);
console.log(text);

/** One run of one task, followed to its end by the action's own code. */
async function waitOnce({ lookMs, watches }: Strategy, lengthMs: number): Promise<{ late: number; calls: number }> {
  const clock = virtualClock(START);
  const endsAt = START + lengthMs;
  const server = serverOf(clock, endsAt);
  const inputs = { "max-outage": 10 * MINUTE };
  const step = { clock, log: silentLog, inputs, signal: new AbortController().signal };
  const engine = watches ? { ...server, lookMs, change: changeOf(clock, endsAt) } : { ...server, lookMs };
  await followRun(step, engine, {
    runId: "run",
    name: "digits v1.1.0",
    gpus: [],
    limits: {
      waits: { startMs: 5 * MINUTE, unschedulableMs: 15 * MINUTE, imagePullMs: 5 * MINUTE },
      gpuHours: undefined,
      attachedMs: undefined,
    },
  });
  return { late: clock.now() - endsAt, calls: server.calls() };
}

function serverOf(clock: Clock, endsAt: number) {
  let calls = 0;
  return {
    calls: () => calls,
    state: async (): Promise<RunStatus> => {
      calls++;
      await clock.sleep(CALL_MS / 2);
      const state = clock.now() >= endsAt ? "succeeded" : "running";
      await clock.sleep(CALL_MS / 2);
      return { state, canRetry: false, tasks: [] };
    },
  };
}

/** A watch that lives: it tells of the end. */
function changeOf(clock: Clock, endsAt: number) {
  return async (_runId: string, signal: AbortSignal): Promise<void> => {
    await clock.sleep(Math.max(0, endsAt - clock.now()) + EVENT_MS, signal).catch(() => undefined);
  };
}

function page(): string {
  const head = `| | ${CLASSES.map(({ name }) => name).join(" | ")} |`;
  const rows = STRATEGIES.map((strategy) => {
    const shown = CLASSES.map(({ name }) => {
      const { meanMs, p95Ms, callsPerHour } = cellOf(name, strategy);
      return `${seconds(meanMs)} / ${seconds(p95Ms)} s, ${Math.round(callsPerHour).toLocaleString("en")}`;
    });
    return `| ${strategy.name} | ${shown.join(" | ")} |`;
  });
  const [looking, watching] = STRATEGIES;
  const long = CLASSES[2].name;
  const look = looking === undefined ? undefined : cellOf(long, looking);
  const watch = watching === undefined ? undefined : cellOf(long, watching);
  const goals = [
    [
      "looking, 9 hours: mean at most 16 s",
      `${seconds(look?.meanMs ?? Number.NaN)} s`,
      (look?.meanMs ?? 1e9) <= 16_000,
    ],
    [
      "looking, 9 hours: at most 130 calls an hour",
      `${Math.round(look?.callsPerHour ?? 0)}`,
      (look?.callsPerHour ?? 1e9) <= 130,
    ],
    [
      "watching, 9 hours: mean at most 0.1 s",
      `${seconds(watch?.meanMs ?? Number.NaN)} s`,
      (watch?.meanMs ?? 1e9) <= 100,
    ],
  ] as const;
  return `# How late a wait notices the end of a run, and how often it asks

\`make bench-wait\` (\`node benchmarks/wait.ts --runs ${RUNS} --seed ${SEED}\`) writes this page: the code by which \`run-pipeline\` follows a run,
on a virtual clock, so that the numbers are exact and the same on every machine. ${RUNS} runs a column, log-normal around the length that
it names (standard deviation 0.3), the same ones for every row. A call takes ${CALL_MS} ms, an event ${EVENT_MS} ms; the watch does not break.

## Mean / 95th percentile of the delay, calls an hour

${head}
|---|${CLASSES.map(() => "---:|").join("")}
${rows.join("\n")}

## Goals

| goal | measured | |
|---|--:|---|
${goals.map(([goal, measured, isMet]) => `| ${goal} | ${measured} | ${isMet ? "met" : "missed"} |`).join("\n")}

Looking costs more calls at first, so that a short run is not kept waiting: a run of three minutes is noticed after 2 s where a look each 30 s,
at 120 calls an hour, would take 15. In the long run it asks 120 times an hour.
`;
}

function cellOf(name: string, strategy: Strategy): Cell {
  const cell = cells.get(`${name} ${strategy.name}`);
  if (cell === undefined) throw new Error(`no runs of ${name}`);
  return cell;
}

function seconds(ms: number): string {
  return String(Number((ms / 1_000).toPrecision(2)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

/** Box and Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
