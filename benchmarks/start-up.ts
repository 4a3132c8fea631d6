import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// How long an action takes from its start to its error about a wrong input, and how much memory, against an empty Node program: in turn, in
// one call, so that a machine that changes its speed changes both. Writes start-up.md. Usage: node benchmarks/start-up.ts [RUNS]

const ROOT = join(import.meta.dirname, "..");
const ACTIONS = ["build-images", "run-pipeline", "report-metrics", "register-model", "deploy-model"] as const;
const runs = Number(process.argv[2] ?? "15");

type Sample = { readonly ms: number; readonly peakMb: number };

const folder = mkdtempSync(join(tmpdir(), "ml-release-bench-"));
try {
  const samples = new Map<string, Sample[]>(["node -e 0", ...ACTIONS].map((name) => [name, []]));
  // The first round warms the caches of the disk, and is not counted.
  for (let round = 0; round <= runs; round++) {
    for (const [name, seen] of samples) {
      const sample = measure(name === "node -e 0" ? ["-e", "0"] : [join(ROOT, "actions", name, "dist/index.js")]);
      if (round > 0) seen.push(sample);
    }
  }
  const table = tableOf(samples);
  writeFileSync(join(import.meta.dirname, "start-up.md"), table);
  console.log(table);
} finally {
  rmSync(folder, { recursive: true });
}

function measure(args: readonly string[]): Sample {
  const peakFile = join(folder, "peak");
  const hook = `import fs from "node:fs"; process.on("exit", () => fs.writeFileSync(${JSON.stringify(peakFile)}, String(process.resourceUsage().maxRSS)));`;
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    GITHUB_ACTIONS: "true",
    GITHUB_REPOSITORY: "acme/digits",
    GITHUB_WORKSPACE: folder,
    RUNNER_TEMP: join(folder, "temp"),
    INPUT_MODE: "no such mode",
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(hook)}`,
  };
  const started = performance.now();
  const { status } = spawnSync(process.execPath, args, { env, cwd: folder });
  const ms = performance.now() - started;
  if (args[0] !== "-e" && status !== 1) throw new Error(`${args[0]} ended with ${status}, not with an input error`);
  return { ms, peakMb: Number(readFileSync(peakFile, "utf8")) / 1024 };
}

function tableOf(samples: ReadonlyMap<string, readonly Sample[]>): string {
  const base = samples.get("node -e 0") ?? [];
  const rows = [...samples].map(([name, seen]) => {
    const times = seen.map(({ ms }, round) => ms / (base[round]?.ms ?? Number.NaN));
    const peaks = seen.map(({ peakMb }, round) => peakMb / (base[round]?.peakMb ?? Number.NaN));
    const cells = [name, `${median(seen.map(({ ms }) => ms)).toFixed(0)} ms`, `${median(times).toFixed(2)} x`];
    return [...cells, `${median(seen.map(({ peakMb }) => peakMb)).toFixed(0)} MB`, `${median(peaks).toFixed(2)} x`];
  });
  return [
    "# From the start to the error about a wrong input",
    "",
    `Medians of ${runs} rounds, each program once a round in turn, ratios within the round; Node ${process.version}, committed bundles. Goal: at most 4.2 x the time.`,
    "",
    "| program | time | ratio | peak memory | ratio |",
    "|---|--:|--:|--:|--:|",
    ...rows.map((row) => `| ${row.join(" | ")} |`),
    "",
    "Repeat: `make bench-start-up`.",
    "",
  ].join("\n");
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [below = Number.NaN, above = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? above : (below + above) / 2;
}
