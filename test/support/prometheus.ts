import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REQUIRE_REAL } from "./built-tool.ts";
import { until } from "./cluster/part.ts";
import { freePort, untilAnswering } from "./docker-registry.ts";

const PROGRAM = "/usr/bin/prometheus";
const TOOL = "/usr/bin/promtool";

/** Whether tests of Prometheus may be left out: only where the program is absent and nobody insists on it. */
export function lacksPrometheus(): boolean {
  return !existsSync(PROGRAM) && !REQUIRE_REAL;
}

/** Waits until a counter has risen: what nobody has counted yet would be taken for a fault of its labels. */
export async function untilCounted(url: string, counter: string): Promise<void> {
  await until("Prometheus to have counted users", async () => {
    const found = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(`increase(${counter}[10s]) > 0`)}`);
    const { data } = (await found.json()) as { readonly data: { readonly result: readonly unknown[] } };
    return data.result.length > 0;
  });
}

/** What is scraped, with the labels that a cluster would give it. */
export type ScrapeTarget = { readonly port: number; readonly labels: Readonly<Record<string, string>> };

export type Scraping = {
  readonly everyMs: number;
  /** Known from the start, whether or not anything answers there: what is found later is scraped 5 s later. */
  readonly targets: readonly ScrapeTarget[];
  /** Where a gateway would put it. */
  readonly path?: string;
};

export type RealPrometheus = {
  readonly url: string;
  /** Resolves when all these pods, up or down, were scraped after the call. */
  scraped(pods: string): Promise<void>;
  stop(): Promise<void>;
};

/** Debian's Prometheus on a free port of loopback. */
export async function startPrometheus({ everyMs, targets, path = "" }: Scraping): Promise<RealPrometheus> {
  const folder = mkdtempSync(join(tmpdir(), "ml-release-prometheus-"));
  writeFileSync(
    join(folder, "prometheus.yml"),
    JSON.stringify({
      global: { scrape_interval: `${everyMs}ms`, scrape_timeout: `${everyMs}ms` },
      scrape_configs: [
        {
          job_name: "pods",
          static_configs: targets.map(({ port: at, labels }) => ({ targets: [`127.0.0.1:${at}`], labels })),
        },
      ],
    }),
  );
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const args = [
    `--config.file=${join(folder, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=${address}`,
    `--web.external-url=http://${address}${path}`,
    "--log.level=error",
  ];
  const child = spawn(PROGRAM, args, { stdio: "ignore" });
  const exited = exitOf(child);
  await untilReady(`http://${address}${path}/-/ready`, exited);
  return {
    url: `http://${address}${path}`,
    scraped: async (pods) => {
      const since = Date.now() / 1_000;
      const query = `min(timestamp(up{pod=~"${pods}"}))`;
      for (let tries = 0; tries < 600; tries++) {
        const answer = await fetch(`http://${address}${path}/api/v1/query?query=${encodeURIComponent(query)}`);
        const { data } = (await answer.json()) as { data: { result: readonly { value: readonly [number, string] }[] } };
        if (Number(data.result[0]?.value[1] ?? 0) > since) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error(`${pods} were not scraped`);
    },
    stop: async () => {
      child.kill("SIGKILL");
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Its door opens a while before it can be asked. */
async function untilReady(url: string, exited: Promise<void>): Promise<void> {
  await untilAnswering(url, exited);
  for (let tries = 0; tries < 300; tries++) {
    if ((await fetch(url)).ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not ready: ${url}`);
}

/** What promtool says of a file with rules; throws where it finds fault. */
export function checkRules(text: string): string {
  return inFolder({ "rules.yaml": text }, ["check", "rules", "rules.yaml"]);
}

/** A rollout of digits in prod behind HAProxy, for twenty minutes. */
export type WatchedCase = {
  readonly title: string;
  /** Seconds, all the time. */
  readonly leaseAge: number;
  /** Who holds the lease; "" for nobody. */
  readonly holder: string;
  /** Requests that the candidate gets. */
  readonly perMinute: number;
  /** What must fire in the end, and nothing else. */
  readonly alerts: readonly string[];
};

const ALERTS = ["MlReleaseCanaryUnattended", "MlReleaseLeaseExpired", "MlReleaseCanaryNotCounted"];

/** Plays each case through the rules with promtool; throws where other alerts fire than should. */
export function testRules(rules: string, cases: readonly WatchedCase[]): string {
  const lease = 'namespace="prod", lease="mlrelease-digits"';
  const backend = (name: string) => `haproxy_backend_http_responses_total{proxy="prod_svc_${name}_http", code="2xx"}`;
  const tests = cases.map(({ title, leaseAge, holder, perMinute, alerts }) => ({
    name: title,
    interval: "1m",
    input_series: [
      // time begins at 0 there
      { series: `kube_lease_renew_time{${lease}}`, values: `${-leaseAge}+60x30` },
      { series: `kube_lease_owner{${lease}, lease_holder="${holder}"}`, values: "1x30" },
      { series: backend("digits"), values: "0+600x30" },
      { series: backend("digits-canary"), values: `0+${perMinute}x30` },
    ],
    promql_expr_test: ALERTS.map((alertname) => ({
      expr: `count(ALERTS{alertname="${alertname}", alertstate="firing"}) or vector(0)`,
      eval_time: "20m",
      exp_samples: [{ labels: "{}", value: alerts.includes(alertname) ? 1 : 0 }],
    })),
  }));
  const file = JSON.stringify({ rule_files: ["rules.yaml"], evaluation_interval: "1m", tests });
  return inFolder({ "rules.yaml": rules, "tests.yaml": file }, ["test", "rules", "tests.yaml"]);
}

function inFolder(files: Readonly<Record<string, string>>, args: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "ml-release-rules-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return execFileSync(TOOL, args, { encoding: "utf8", cwd: folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export type Served = {
  readonly ok?: number;
  readonly errors?: number;
  readonly rejected?: number;
  readonly slow?: number;
  readonly class?: string;
};

/** One pod of a version, which may be killed and started again at the same port. */
export type CountingPod = {
  readonly port: number;
  start(): Promise<void>;
  kill(): Promise<void>;
  serve(what: Served): Promise<void>;
  /** `sound`, `nan` (counters without a number) or `down` (scrapes fail). */
  become(mode: "sound" | "nan" | "down"): Promise<void>;
};

export async function countingPod(version: "2" | "3" = "2"): Promise<CountingPod> {
  const port = await freePort();
  let child: ChildProcess | undefined;
  const post = async (path: string, query: Readonly<Record<string, unknown>>) => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) search.set(name, String(value));
    const answer = await fetch(`http://127.0.0.1:${port}${path}?${search}`, { method: "POST" });
    await answer.arrayBuffer();
  };
  return {
    port,
    start: async () => {
      const program = join(import.meta.dirname, "counting-exporter.ts");
      child = spawn(process.execPath, [program, String(port), version], { stdio: "ignore" });
      await untilAnswering(`http://127.0.0.1:${port}/metrics`, exitOf(child));
    },
    kill: async () => {
      if (child === undefined) return;
      const exited = exitOf(child);
      child.kill("SIGKILL");
      await exited;
      child = undefined;
    },
    serve: (what) => post("/serve", what),
    become: (is) => post("/mode", { is }),
  };
}

function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });
}
