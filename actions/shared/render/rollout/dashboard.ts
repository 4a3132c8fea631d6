import { formatPercent } from "../../domain/quantity.ts";
import type { Look } from "../../domain/rollout/journal-entry.ts";
import { leaseAge, partOf, rateOf, shareOf, slowPartOf, type WatchedRollout } from "./expressions.ts";

type Query = { readonly legend: string; readonly expr: string };
type Chart = {
  readonly title: string;
  readonly description: string;
  readonly unit: "percentunit" | "reqps" | "s";
  readonly queries: readonly Query[];
  /** Drawn as a line that should not be crossed. */
  readonly limit?: number;
};

const RANGE = "$__rate_interval";
const WIDTH = 12;
const HEIGHT = 8;

/** A dashboard of a rollout for Grafana 9 and newer, to be imported: both arms beside each other, the lease, and what the judge has concluded so far. */
export function rolloutDashboard(rollout: WatchedRollout, looks: readonly Look[]): string {
  const charts = chartsOf(rollout);
  const panels = [
    ...charts.map((chart, i) => chartPanel(chart, i)),
    {
      id: charts.length + 1,
      type: "text",
      title: "Evidence",
      gridPos: { x: 0, y: Math.ceil(charts.length / 2) * HEIGHT, w: 2 * WIDTH, h: HEIGHT },
      options: { mode: "markdown", content: evidenceOf(looks) },
    },
  ];
  const dashboard = {
    title: `Rollout of ${rollout.title}`,
    uid: uidOf(rollout),
    tags: ["ml-release"],
    schemaVersion: 36,
    version: 1,
    editable: true,
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    templating: {
      list: [
        { name: "datasource", label: "Prometheus", type: "datasource", query: "prometheus", current: {}, hide: 0 },
      ],
    },
    annotations: { list: [] },
    panels,
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

function chartsOf(rollout: WatchedRollout): readonly Chart[] {
  const { candidate, stable, latencyBoundMs, leaseSeconds } = rollout;
  const both = (of: (arm: WatchedRollout["stable"]) => string): readonly Query[] => [
    { legend: "candidate", expr: of(candidate) },
    { legend: "stable", expr: of(stable) },
  ];
  return [
    {
      title: "Share of the candidate",
      description: "Counted, not declared.",
      unit: "percentunit",
      queries: [{ legend: "candidate", expr: shareOf(rollout, RANGE) }],
    },
    {
      title: "Requests",
      description: "By arm.",
      unit: "reqps",
      queries: both(({ requests }) => rateOf(requests, RANGE)),
    },
    {
      title: "Errors",
      description: "Part of the requests of each arm. The judge compares counts, not these rates.",
      unit: "percentunit",
      queries: both(({ errors, requests }) => partOf(errors, requests, RANGE)),
    },
    ...(candidate.rejected === undefined
      ? []
      : [
          {
            title: "Rejected requests",
            description: "Answers that blame the request (4xx): a new input schema shows here.",
            unit: "percentunit" as const,
            queries: both(({ rejected = [], requests }) => partOf(rejected, requests, RANGE)),
          },
        ]),
    ...(candidate.latency === undefined || latencyBoundMs === undefined
      ? []
      : [
          {
            title: `Slower than ${latencyBoundMs} ms`,
            description: "Part of the answers of each arm.",
            unit: "percentunit" as const,
            queries: both(({ latency }) =>
              latency === undefined ? "vector(0)" : slowPartOf(latency, latencyBoundMs, RANGE),
            ),
          },
        ]),
    ...(candidate.wrong === undefined
      ? []
      : [
          {
            title: "Wrong answers",
            description: "Part of the answers of each arm that were compared.",
            unit: "percentunit" as const,
            queries: both(({ wrong }) =>
              wrong === undefined ? "vector(0)" : partOf(wrong.bad, wrong.requests, RANGE),
            ),
          },
        ]),
    {
      title: "Since the lease was renewed",
      description: "Over the limit no job watches the rollout. Needs kube-state-metrics.",
      unit: "s",
      queries: [{ legend: rollout.lease, expr: leaseAge(rollout) }],
      limit: leaseSeconds,
    },
  ];
}

function chartPanel({ title, description, unit, queries, limit }: Chart, index: number) {
  const steps = [{ color: "green", value: null }, ...(limit === undefined ? [] : [{ color: "red", value: limit }])];
  return {
    id: index + 1,
    type: "timeseries",
    title,
    description,
    datasource: SOURCE,
    gridPos: { x: (index % 2) * WIDTH, y: Math.floor(index / 2) * HEIGHT, w: WIDTH, h: HEIGHT },
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        thresholds: { mode: "absolute", steps },
        custom: { lineWidth: 2, fillOpacity: 5, thresholdsStyle: { mode: limit === undefined ? "off" : "line" } },
      },
      overrides: [],
    },
    options: { legend: { displayMode: "list", placement: "bottom", showLegend: true }, tooltip: { mode: "multi" } },
    targets: queries.map(({ legend, expr }, i) => ({
      refId: String.fromCharCode(65 + i),
      datasource: SOURCE,
      expr,
      legendFormat: legend,
    })),
  };
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variable
const SOURCE = { type: "prometheus", uid: "${datasource}" } as const;

/** At most 40 characters of a few kinds. */
function uidOf({ namespace, lease }: WatchedRollout): string {
  return `${namespace}-${lease}`.replaceAll(/[^a-zA-Z0-9_-]/g, "-").slice(-40);
}

const SHOWN_LOOKS = 20;

/** What no metric has: the judge's evidence, as of when this was written. */
function evidenceOf(looks: readonly Look[]): string {
  if (looks.length === 0) return "No look was taken yet when this was written.";
  const names = [...new Set(looks.flatMap(({ evidence }) => Object.keys(evidence)))];
  const head = [
    "look",
    "at (UTC)",
    "share",
    "candidate",
    "stable",
    ...names.map((name) => `${name}: ln E against`),
    "verdict",
  ];
  const rows = looks
    .slice(-SHOWN_LOOKS)
    .map((look, i) => [
      String(Math.max(0, looks.length - SHOWN_LOOKS) + i + 1),
      new Date(look.atMs).toISOString().slice(0, 19),
      formatPercent(look.share),
      String(look.counts.candidate.requests),
      String(look.counts.stable.requests),
      ...names.map((name) => look.evidence[name]?.fail.toFixed(2) ?? ""),
      look.verdict,
    ]);
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
