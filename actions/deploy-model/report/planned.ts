import { formatPercent } from "../../shared/domain/quantity.ts";
import { code, type Report, text } from "../../shared/domain/report.ts";
import { formatForecast } from "../../shared/domain/rollout/forecast.ts";
import { formatPlan } from "../../shared/domain/rollout/traffic-plan.ts";
import type { Planned } from "../outcome.ts";
import type { Common } from "./outcome-kinds.ts";

export function plannedReport(outcome: Common & Planned): Report {
  const { candidate, stable, standing, plan, forecast } = outcome;
  const name = `${candidate.model} ${candidate.version}`;
  const headline =
    standing.do === "deploy"
      ? stable === undefined
        ? text`${name} would be the first to serve, judged by smoke test, replay and absolute bounds`
        : text`${name} would be compared with ${stable.version} in a canary: ${formatPlan(plan)}`
      : text`${name} would not be rolled out: ${standing.reason}`;
  const rows = plan.judge.series.map((series) => [
    code(series.name),
    plan.judge.against === "stable" ? `less than ${series.maxRatio} times as bad, or` : "",
    `under ${formatPercent(series.ceiling)}`,
    plan.judge.against === "stable"
      ? `more than ${series.margin} times as bad`
      : `over ${formatPercent(plan.judge.breaker.rate)}`,
  ]);
  const columns = [
    { title: "series" },
    { title: "promoted when" },
    { title: "proved to be" },
    { title: "rolled back when" },
  ];
  return {
    tone: standing.do === "refuse" || standing.do === "hold" ? "warn" : "neutral",
    headline,
    lead: [
      ...(forecast === undefined ? [] : [`Forecast ${formatForecast(forecast, plan)}.`]),
      ...("hint" in standing ? [text`Next: ${standing.hint}.`] : []),
      "Nothing was started, nothing was written. Not checked: whether the servers start and answer.",
    ],
    sections: [{ title: "Judge", priority: 2, blocks: [{ kind: "table", columns, rows }] }],
    findings: [],
  };
}

export function reasonOf({ standing }: Planned): string {
  return standing.do === "deploy" ? "a canary would begin" : standing.reason;
}
