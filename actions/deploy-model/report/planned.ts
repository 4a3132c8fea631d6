import { FIT_WORDS } from "../../shared/domain/capacity/capacity.ts";
import { formatCount, formatPercent } from "../../shared/domain/quantity.ts";
import { type Block, code, type Report, type Section, type Text, text } from "../../shared/domain/report.ts";
import { formatForecast } from "../../shared/domain/rollout/forecast.ts";
import { formatPlan, type TrafficPlan } from "../../shared/domain/rollout/traffic-plan.ts";
import type { Planned } from "../outcome.ts";
import type { Common } from "./outcome-kinds.ts";

export function plannedReport(outcome: Common & Planned): Report {
  const { standing, plan, forecast, traffic } = outcome;
  return {
    tone: standing.do === "refuse" || standing.do === "hold" ? "warn" : "neutral",
    headline: headlineOf(outcome),
    lead: [
      ...(forecast === undefined ? [] : [`Forecast ${formatForecast(forecast, plan, traffic)}.`]),
      ...("hint" in standing ? [text`Next: ${standing.hint}.`] : []),
      "Nothing was started, nothing was written. Not checked: whether the servers start and answer.",
    ],
    sections: [
      ...changesSection(outcome),
      ...capacitySection(outcome),
      ...notesSection(outcome),
      ...judgeSection(outcome),
    ],
    findings: [],
  };
}

function headlineOf({ candidate, stable, standing, strategy, plan }: Planned): Text {
  const name = `${candidate.model} ${candidate.version}`;
  if (standing.do !== "deploy") return text`${name} would not be rolled out: ${standing.reason}`;
  if (strategy === "rolling") return text`${name} would replace ${stable?.version ?? "what serves"} pod by pod`;
  if (strategy === "recreate")
    return text`${name} would be started after ${stable?.version ?? "what serves"} has ended: nothing answers meanwhile`;
  if (stable === undefined)
    return text`${name} would be the first to serve, judged by smoke test, replay and absolute bounds`;
  return text`${name} would be compared with ${stable.version} in a canary: ${formatPlan(plan)}`;
}

function changesSection({ preview }: Planned): readonly Section[] {
  if (preview === undefined || preview.changes.length === 0) return [];
  const rows = preview.changes.map(({ what, from, to }) => [
    what,
    from === undefined ? "" : code(from),
    to === undefined ? "" : code(to),
  ]);
  const columns = [{ title: "what" }, { title: "now" }, { title: "then" }];
  return [{ title: "Changes", priority: 1, blocks: [{ kind: "table", columns, rows }] }];
}

/** Each way to find room, and each node: why a pod of the candidate finds none there. */
function capacitySection({ preview }: Planned): readonly Section[] {
  const { capacity } = preview ?? {};
  if (capacity === undefined) return [];
  const { asked, replicas, nodes, plans, notes } = capacity;
  const [shown, left] = [nodes.slice(0, MOST_NODES), nodes.length - MOST_NODES];
  const blocks: readonly Block[] = [
    {
      kind: "paragraph",
      text: `${formatCount(replicas, "pod")} of the candidate, each with ${asked}.`,
    },
    {
      kind: "table",
      columns: [{ title: "room" }, { title: "fits" }, { title: "why" }],
      rows: plans.map(({ plan, state, why }) => [code(WRITTEN[plan]), FIT_WORDS[state], why]),
    },
    ...(shown.length === 0
      ? []
      : [
          {
            kind: "table",
            columns: [{ title: "node" }, { title: "pods that it takes" }, { title: "why no more" }],
            rows: shown.map(({ name, holds, obstacle = "" }) => [code(name), `${holds}`, obstacle]),
          } as const,
        ]),
    ...(left > 0 || notes.length > 0
      ? [{ kind: "list", items: [...(left > 0 ? [`and ${formatCount(left, "node")} more`] : []), ...notes] } as const]
      : []),
  ];
  return [{ title: "Capacity", priority: 2, blocks }];
}

const MOST_NODES = 20;
const WRITTEN = { extra: "capacity: extra", borrow: "capacity: borrow", recreate: "strategy: recreate" } as const;

function notesSection({ preview, notes }: Planned): readonly Section[] {
  const items = [...(preview?.notes ?? []), ...notes];
  if (items.length === 0) return [];
  return [{ title: "Found at the target", priority: 2, blocks: [{ kind: "list", items }] }];
}

function judgeSection({ plan, strategy }: Planned): readonly Section[] {
  if (strategy !== "canary") return [];
  const isRelative = plan.judge.against === "stable";
  const rows = plan.judge.series.map((series) => [
    code(series.name),
    isRelative ? `less than ${series.maxRatio} times as bad, or` : "",
    `under ${formatPercent(series.ceiling)}`,
    isRelative ? `more than ${series.margin} times as bad` : `over ${formatPercent(plan.judge.breaker.rate)}`,
  ]);
  const columns = [
    { title: "series" },
    { title: "promoted when" },
    { title: "proved to be" },
    { title: "rolled back when" },
  ];
  const items = besideSeries(plan);
  const rest: readonly Block[] = items.length === 0 ? [] : [{ kind: "list", items }];
  return [{ title: "Judge", priority: 2, blocks: [{ kind: "table", columns, rows }, ...rest] }];
}

/** What decides, or is told, beside the series. */
function besideSeries({ judge, duel }: TrafficPlan): readonly Text[] {
  const { minAgreement, maxDifference } = duel ?? {};
  return [
    ...(minAgreement === undefined
      ? []
      : [`Before any traffic at least ${formatPercent(minAgreement)} of the payloads must be answered alike.`]),
    ...(maxDifference === undefined
      ? []
      : [`Before any traffic no number of an answer may lie further than ${maxDifference} from the champion's.`]),
    ...(judge.maxFailed === undefined
      ? []
      : [`Rolled back when ${judge.maxFailed} bad answers of the candidate have reached users.`]),
    ...(judge.watched ?? []).map(({ name }) => text`${code(name)} is compared as well, and only told.`),
  ];
}

export function reasonOf({ standing, strategy }: Planned): string {
  if (standing.do !== "deploy") return standing.reason;
  return strategy === "canary" ? "a canary would begin" : `a rollout by ${strategy} would begin`;
}
