import { formatMetricName, type Metric } from "../../shared/domain/metric.ts";
import type { Run } from "../../shared/domain/release.ts";
import { code, type Report, type Text, text } from "../../shared/domain/report.ts";
import type { CheckConclusion, Posted } from "../../shared/ports/forge.ts";
import type { RunFacts } from "../prepare/prepared.ts";
import type { Ports, RunStep } from "../step.ts";

export type CheckWish = {
  readonly conclusion: CheckConclusion;
  readonly facts: RunFacts;
  readonly run: Run;
  readonly reason?: string | undefined;
  readonly metrics?: readonly Metric[];
};

/** A check on the commit for a run that outlives its job: in progress, then how it ended. A check that cannot be written is a warning. */
export async function runCheck({ release, log }: RunStep, { forge }: Ports, wish: CheckWish): Promise<Posted> {
  const { facts, run, conclusion } = wish;
  const name = `run ${facts.work.name}`;
  const url = run.url ?? release.source.workflowRun?.url;
  const posted = await forge.check({
    name,
    commit: release.source.commit,
    subject: run.id,
    conclusion,
    report: reportOf(wish),
    ...(url !== undefined && /^https?:/.test(url) ? { detailsUrl: url } : {}),
  });
  if (posted.state === "posted")
    log.info(`${posted.how === "created" ? "Wrote" : "Updated"} the check \`${name}\`: ${posted.url}`);
  else log.warn(`Could not write the check \`${name}\`: ${posted.reason}`);
  return posted;
}

function reportOf({ conclusion, facts, run, reason, metrics = [] }: CheckWish): Report {
  const what = `${facts.work.name} ${facts.work.version}`;
  const lead: readonly Text[] = [text`Run ${code(run.id)}, attempt ${run.attempt}.`];
  const own = { sections: [], findings: [] };
  if (conclusion === "in-progress")
    return {
      ...own,
      tone: "waiting",
      headline: `${what} is ${run.state}`,
      lead: [...lead, "It goes on without the job that started it; the release goes on when it has ended."],
    };
  if (conclusion !== "success")
    return { ...own, tone: "bad", headline: `${what} ${run.state}: ${reason ?? "the engine does not say why"}`, lead };
  const whole = metrics.filter(({ slice }) => slice === undefined);
  const rows = whole.map((metric) => [formatMetricName({ name: metric.name }), String(metric.value)]);
  const columns = [{ title: "metric" }, { title: "value", align: "right" as const }];
  const sections =
    rows.length === 0 ? [] : [{ title: "Metrics", priority: 1, blocks: [{ kind: "table" as const, columns, rows }] }];
  return { tone: "good", headline: `${what} succeeded`, lead, sections, findings: [] };
}
