import { connectPrometheusServer } from "../shared/connect/prometheus.ts";
import type { Problem } from "../shared/domain/problem.ts";
import type { TrafficPlan } from "../shared/domain/rollout/traffic-plan.ts";
import { driftPolicyOf } from "../shared/domain/traffic/drift.ts";
import { timesOf } from "../shared/domain/traffic/queries.ts";
import { isReleaseError, ReleaseError } from "../shared/lib/error.ts";
import type { ClusterServing } from "../shared/ports/serving.ts";
import type { Step } from "../shared/ports/step.ts";
import type { MetricsRequest, Target } from "../shared/ports/target.ts";
import type { Traffic } from "../shared/ports/traffic.ts";
import { rolloutDashboard } from "../shared/render/rollout/dashboard.ts";
import { rolloutRules } from "../shared/render/rollout/rules.ts";
import type { DeployModelInputs } from "./inputs.ts";

type ClusterStep = Step<DeployModelInputs>;
type Counting = Awaited<ReturnType<typeof openTraffic>>;

const NOTHING: MetricsRequest = { file: {}, placeOf: () => ({ input: "rollout" }) };

/** A target on a cluster, and the lease of whoever changes it. */
export type LeasePlace = {
  readonly address: string;
  readonly namespace: string;
  readonly lease: string;
  readonly leaseMs: number;
};

type Counted = {
  readonly serving: ClusterServing;
  readonly metrics: MetricsRequest | undefined;
  readonly place: LeasePlace;
};

/** What users send, as Prometheus counts it. Which metrics there are is asked when they are needed first. */
export function connectTraffic(
  step: ClusterStep,
  { serving, metrics = NOTHING, place }: Counted,
): Pick<Target, "traffic" | "tryMetrics"> {
  return {
    traffic(_, plan, memory) {
      let opened: Promise<Counting> | undefined;
      let counting: Counting | undefined;
      const open = async () => {
        opened ??= openTraffic(step, { serving, metrics, plan, memory });
        counting = await opened;
        return counting;
      };
      return {
        start: () => {},
        counts: async (after) => (await open()).counts(after),
        differing: () => [],
        stop: async () => counting?.stop(),
        snapshot: () => counting?.snapshot(),
        asked: () => counting?.asked() ?? [],
        findings: () => counting?.findings() ?? [],
        drifted: () => counting?.drifted(),
        files: (looks) => {
          const watched = counting?.watched();
          if (watched === undefined) return {};
          const { address: title, namespace, lease, leaseMs } = place;
          // two renewals may be missed
          const leaseSeconds = Math.round((1.5 * leaseMs) / 1_000);
          const rollout = { title, namespace, lease, leaseSeconds, ...watched, latencyBoundMs: plan.latencyBoundMs };
          return {
            "rollout-dashboard.json": rolloutDashboard(rollout, looks),
            "rollout-rules.yaml": rolloutRules(rollout),
          };
        },
      } satisfies Traffic;
    },
    tryMetrics: (plan) => tryMetrics(step, { serving, metrics, plan }),
  };
}

type Opening = {
  readonly serving: ClusterServing;
  readonly metrics: MetricsRequest;
  readonly plan: TrafficPlan;
  readonly memory?: Parameters<Target["traffic"]>[2];
};

async function openTraffic(step: ClusterStep, { serving, metrics, plan, memory }: Opening) {
  const { clock, log, signal } = step;
  const [{ prometheusTraffic }, { resolveQueries }] = await Promise.all([
    import("../shared/clients/prometheus/traffic.ts"),
    import("../shared/clients/prometheus/resolve-queries.ts"),
  ]);
  const prometheus = await connectPrometheusServer(step, addressOf(step));
  const isGone = async (arm: "candidate" | "stable") => {
    const served = (await serving.current())[arm];
    return served === undefined || (served.runs.as === "pods" && served.runs.wanted === 0);
  };
  // Without a stable version there is nothing to compare with, and nobody whose samples are waited for.
  const hasStable = plan.judge.against === "stable";
  const arms = async () => {
    const { candidate, stable } = await serving.arms();
    return { candidate, stable: hasStable ? stable : undefined };
  };
  const names = await serving.arms();
  const shown = (await isGone("stable")) ? names.candidate : names.stable;
  const queries = await resolveQueries(prometheus, { ...metrics, stable: shown });
  log.info(`traffic is counted by ${queries.source} metrics at ${prometheus.base}`);
  return prometheusTraffic({
    prometheus,
    queries,
    arms,
    latencyBoundMs: plan.latencyBoundMs,
    isGone,
    drift: driftPolicyOf(metrics.file.drift),
    memory,
    ...timesOf(metrics.file),
    clock,
    log,
    signal,
  });
}

async function tryMetrics(step: ClusterStep, { serving, metrics, plan }: Omit<Opening, "memory">) {
  const names = await serving.armsToBe();
  const [{ checkMetrics }, { resolveQueries }] = await Promise.all([
    import("../shared/clients/prometheus/check-metrics.ts"),
    import("../shared/clients/prometheus/resolve-queries.ts"),
  ]);
  const prometheus = await connectPrometheusServer(step, addressOf(step));
  const hasStable = plan.judge.against === "stable";
  const stable = hasStable ? names.stable : undefined;
  try {
    const queries = await resolveQueries(prometheus, { ...metrics, stable: names.stable });
    const checked = await checkMetrics(prometheus, {
      queries,
      stable,
      candidate: names.candidate,
      latencyBoundMs: plan.latencyBoundMs,
      lookMs: plan.rollout.lookMs,
    });
    return { ...checked, problems: placed(checked.problems, metrics) };
  } catch (error) {
    if (isReleaseError(error, "CONFIG")) return { problems: placed(error.problems, metrics), notes: [] };
    throw error;
  }
}

/** The queries are in the words of the problems; where they were written is not. */
function placed(problems: readonly Problem[], { placeOf }: MetricsRequest): readonly Problem[] {
  return problems.map((problem) => ({ where: placeOf([]), ...problem }));
}

function addressOf({ inputs }: ClusterStep): string {
  if (inputs.prometheus !== undefined) return inputs.prometheus;
  throw new ReleaseError("INPUT", {
    rule: "a canary on a cluster needs somebody who counts its traffic",
    where: { input: "prometheus" },
    saw: "nothing",
    hint: "set prometheus to the address of the Prometheus that scrapes the gateway or the servers; or take strategy: rolling, which compares nothing",
  });
}
