import { resolve } from "node:path";
import { evaluateGate } from "../shared/domain/gate/evaluate-gate.ts";
import { gatePart } from "../shared/domain/gate/record.ts";
import type { GateStory } from "../shared/domain/gate/report.ts";
import type { Rule } from "../shared/domain/gate/rule.ts";
import type { Gate } from "../shared/domain/release.ts";
import { readGates } from "../shared/lib/read-gates.ts";
import { findChampion } from "./find-champion.ts";
import { findCurves } from "./find-curves.ts";
import { findMetrics } from "./find-metrics.ts";
import type { Ports, ReportStep } from "./step.ts";
import { type Subject, subjectOf } from "./subject.ts";

export type Judged = {
  readonly subject: Subject;
  readonly rules: readonly Rule[];
  /** A plan may come before the run. */
  readonly hasMetrics: boolean;
  /** For the record. */
  readonly gate: Gate;
  /** For people. */
  readonly story: GateStory;
};

/** Everything that is read, and what follows from it. The gate comes first: what is wrong with it is told before all else. */
export async function judge(step: ReportStep, ports: Ports): Promise<Judged> {
  const { inputs, release, job, log } = step;
  const from = resolve(job.workspace, inputs["working-directory"]);
  const gates = await readGates({ input: "gates", text: inputs.gates, from, workspace: job.workspace });
  const subject = subjectOf(release, inputs.name);
  const measured = await findMetrics(step);
  const found = await findChampion(step, ports, subject);
  const curves = await findCurves(step);

  const metrics = measured ?? [];
  const data = release.data ?? [];
  const against = found.state === "found" ? { champion: found.champion } : {};
  const { champion } = against;
  log.info(`Read ${gates.rules.length} rules, ${metrics.length} metrics, champion ${champion?.version ?? "none"}.`);
  const evaluation = evaluateGate({ rules: gates.rules, metrics, data, ...against });
  const override = overrideOf(step, evaluation.verdict);
  const said = override === undefined ? {} : { override };
  const story: GateStory = {
    subject: `${subject.name} ${subject.version}`,
    evaluation,
    metrics,
    data,
    champion,
    ...(found.state === "none" && found.why !== undefined ? { noChampion: found.why } : {}),
    ...(gates.where === undefined ? {} : { gates: gates.where }),
    ...said,
    curves,
    bound: subject.bound,
  };
  const gate = gatePart(evaluation, { subject: subject.bound, ...against, ...said });
  return { subject, rules: gates.rules, hasMetrics: measured !== undefined, gate, story };
}

/** Who lets a gate be passed over, and why; nobody has to where it passed. */
function overrideOf({ inputs, job, clock, log }: ReportStep, verdict: Gate["verdict"]): Gate["override"] {
  if (inputs.override === undefined) return undefined;
  if (verdict === "pass" || verdict === "warn") {
    log.info(`The override was not needed: the verdict is ${verdict}.`);
    return undefined;
  }
  const at = new Date(clock.now()).toISOString();
  return { by: job.github.actor, reason: inputs.override, at };
}
