import type { VersionRecord } from "../../shared/domain/model-version.ts";
import { formatProblem, type Place, type Problem } from "../../shared/domain/problem.ts";
import { formatPercent } from "../../shared/domain/quantity.ts";
import { type Forecast, forecastPlan } from "../../shared/domain/rollout/forecast.ts";
import { isUnfinished, type ServedModel, type Strategy } from "../../shared/domain/rollout/journal-entry.ts";
import { isSameVersion } from "../../shared/domain/rollout/same-version.ts";
import type { TrafficPlan } from "../../shared/domain/rollout/traffic-plan.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import { findVersion } from "../../shared/lib/model-registry/versions.ts";
import type { MetricCheck, Target } from "../../shared/ports/target.ts";
import type { DeployStep, Ports } from "../step.ts";
import { readServed } from "./read-served.ts";
import { readSettings, type Settings } from "./settings.ts";
import { decideStart, type Standing } from "./standing.ts";
import { findSubject, type Subject } from "./subject.ts";

/** Everything that is known, and checked, before anything is started. */
export type Prepared = {
  readonly record: VersionRecord;
  readonly candidate: ServedModel;
  /** What the candidate is compared with: what serves, or the champion, which is then started for it. */
  readonly stable: ServedModel | undefined;
  /** Whether the version was taken out of use: not even a rollout that was begun goes on. */
  readonly isRetired: boolean;
  /** What serves at the target now. */
  readonly serving: ServedModel | undefined;
  /** How many pods it has, where it runs in pods. */
  readonly pods: number | undefined;
  readonly url: string | undefined;
  readonly standing: Standing;
  /** How the version comes into service. */
  readonly strategy: Strategy;
  readonly settings: Settings;
  readonly plan: TrafficPlan;
  /** Where a rollout would begin. */
  readonly forecast: Forecast | undefined;
  /** What the metrics of a cluster say now. */
  readonly metrics: MetricCheck | undefined;
  readonly target: Target;
  /** Names this rollout: the same for a re-run. */
  readonly rollout: string;
  readonly rehearsal: boolean;
};

/** Any will do; always the same, so that a plan and its rollout say the same. */
const FORECAST_SEED = 1;

export async function prepare(step: DeployStep, ports: Ports): Promise<Prepared> {
  const { inputs, release, job } = step;
  const settings = await readSettings(step);
  const subject = await findSubject(step, ports);
  const { record, champion } = subject;
  const candidate: ServedModel = { name: record.model, version: record.version, digest: record.digest };
  const image = release.images?.[inputs.image];
  const target = await ports.open({
    name: record.model,
    version: record.version,
    command: settings.command,
    image: image === undefined ? undefined : { ref: image.ref, digest: image.digest },
    plan: settings.planFor(true),
    metrics: settings.metrics,
  });
  const now = await readServed(target.serving, candidate);
  const serving = now.stable?.model;
  const keep = inputs.keep === undefined || job.ephemeral ? now.isKept : inputs.keep;
  const standing = await standingOf(step, ports, { subject, address: target.address, serving, keep });
  const other =
    champion === undefined ? undefined : { name: record.model, version: champion.version, digest: champion.digest };
  const stable = serving ?? (isSameVersion(other, candidate) ? undefined : other);
  const rollout = `${target.address}/${candidate.name}@${candidate.version} ${candidate.digest}`;
  const strategy = inputs.strategy ?? "canary";
  const isCanary = strategy === "canary" && standing.do === "deploy";
  const asked = settings.planFor(stable !== undefined);
  const plan = isCanary && stable !== undefined ? await withOwnShares(target, asked, settings) : asked;
  const metrics = isCanary ? await target.tryMetrics?.(plan) : undefined;
  if (standing.do === "deploy")
    throwIfAny([
      ...(await servingProblems(target, stable === undefined ? [candidate] : [candidate, stable])),
      ...(isCanary ? await shareProblems(target, { candidate, plan, stepsAt: settings.stepsAt }) : []),
      ...(await metricProblems(target, { metrics, rollout })),
    ]);
  return {
    record,
    candidate,
    stable,
    isRetired: subject.refusal?.why === "retired",
    serving,
    pods: now.stable?.runs.as === "pods" ? now.stable.runs.wanted : undefined,
    url: now.url,
    standing,
    strategy,
    settings,
    plan,
    forecast: isCanary ? forecastPlan(plan, FORECAST_SEED, metrics?.traffic) : undefined,
    metrics,
    target,
    rollout,
    rehearsal: !keep,
  };
}

/** A target that stops at shares of its own stops at no others. Throws `CONFIG` where others are asked for. */
async function withOwnShares({ serving }: Target, plan: TrafficPlan, { stepsAt }: Settings): Promise<TrafficPlan> {
  const shares = await serving.shares?.();
  if (shares === undefined) return plan;
  const [asked, own] = [formatShares(plan.rollout.shares), formatShares(shares)];
  if (stepsAt !== undefined && asked !== own)
    throw new ReleaseError("CONFIG", {
      rule: "steps must be those that the target stops at by itself",
      where: stepsAt,
      saw: asked,
      allowed: own,
      hint: "leave `steps` out, and the target's own are taken; or change them there",
    });
  return { ...plan, rollout: { ...plan.rollout, shares } };
}

function formatShares(shares: readonly number[]): string {
  return shares.map(formatPercent).join(", ");
}

type Starting = {
  readonly subject: Subject;
  readonly address: string;
  readonly serving: ServedModel | undefined;
  readonly keep: boolean;
};

async function standingOf(
  { inputs }: DeployStep,
  { store }: Ports,
  { subject, address, serving, keep }: Starting,
): Promise<Standing> {
  const { record, gate, promotions, champion, refusal } = subject;
  const dated = async (model: { readonly version: string; readonly digest: ServedModel["digest"] } | undefined) => {
    if (model === undefined) return undefined;
    const { createdAt } = (await findVersion(store, record.model, model.version)) ?? {};
    return { version: model.version, digest: model.digest, createdAt };
  };
  return decideStart({
    candidate: record,
    gate,
    refusal,
    promoted: promotions.findLast((event) => event.event === "promoted" && event.target === address),
    champion: await dated(champion),
    serving: await dated(serving),
    allowDowngrade: inputs["allow-downgrade"],
    keep,
  });
}

/** What is true of the target whatever it serves is said once. */
async function servingProblems({ serving }: Target, models: readonly ServedModel[]): Promise<readonly Problem[]> {
  const found = await Promise.all(models.map((model) => serving.check(model)));
  return [...new Map(found.flat().map((problem) => [formatProblem(problem), problem])).values()];
}

type Asked = { readonly candidate: ServedModel; readonly plan: TrafficPlan; readonly stepsAt: Place | undefined };

/** Told where the steps were written. */
async function shareProblems({ serving }: Target, { candidate, plan, stepsAt }: Asked): Promise<readonly Problem[]> {
  const problems = (await serving.shareProblems?.(plan.rollout.shares, candidate)) ?? [];
  return problems.map((problem) => ({ ...problem, where: stepsAt ?? { input: "steps" } }));
}

type Measured = { readonly metrics: MetricCheck | undefined; readonly rollout: string };

/** A rollout that goes on may have no pod of stable left to be counted, and is brought to its end all the same. */
async function metricProblems({ journal }: Target, { metrics, rollout }: Measured): Promise<readonly Problem[]> {
  if (metrics === undefined || metrics.problems.length === 0) return [];
  const entry = await journal.read();
  return isUnfinished(entry) && entry.rollout === rollout ? [] : metrics.problems;
}

function throwIfAny(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new ReleaseError("CONFIG", problems);
}
