import { leaseAge, partOf, rateOf, shareOf, slowPartOf, type WatchedRollout } from "./expressions.ts";

type Rule = {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly severity: "critical" | "warning";
  readonly summary: string;
  readonly description: string;
};

type Recorded = { readonly record: string; readonly arm: string; readonly expr: string };

const RANGE = "5m";

/**
 * Rules for a Prometheus that watches over a rollout while nobody else does: users on a candidate although its job renews its lease no more, a
 * lease that is held and not renewed, a candidate that nobody counts. They need the metrics of leases of kube-state-metrics. Whether the
 * candidate is good is not theirs to say: the judge has more evidence than a threshold.
 */
export function rolloutRules(rollout: WatchedRollout): string {
  const lines = [
    `# Watches over the canary of ${oneLine(rollout.title)}. Written by deploy-model.`,
    "groups:",
    `  - name: ${JSON.stringify(`ml-release ${rollout.title}`)}`,
    "    rules:",
    ...recordings(rollout).flatMap((rule) => [
      `      - record: ${rule.record}`,
      ...exprLines(rule.expr),
      "        labels:",
      `          arm: ${rule.arm}`,
      `          rollout: ${JSON.stringify(rollout.lease)}`,
    ]),
    ...alerts(rollout).flatMap((rule) => [
      `      - alert: ${rule.alert}`,
      ...exprLines(rule.expr),
      `        for: ${rule.for}`,
      "        labels:",
      `          severity: ${rule.severity}`,
      `          rollout: ${JSON.stringify(rollout.lease)}`,
      "        annotations:",
      `          summary: ${JSON.stringify(rule.summary)}`,
      `          description: ${JSON.stringify(rule.description)}`,
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

function recordings(rollout: WatchedRollout): readonly Recorded[] {
  const arms = (["candidate", "stable"] as const).flatMap((arm): readonly Recorded[] => {
    const { requests, errors, latency } = rollout[arm];
    const bound = rollout.latencyBoundMs;
    return [
      { record: "ml_release:requests:rate5m", arm, expr: rateOf(requests, RANGE) },
      { record: "ml_release:errors:ratio_rate5m", arm, expr: partOf(errors, requests, RANGE) },
      ...(latency === undefined || bound === undefined
        ? []
        : [{ record: "ml_release:slow:ratio_rate5m", arm, expr: slowPartOf(latency, bound, RANGE) }]),
    ];
  });
  return [...arms, { record: "ml_release:share:ratio_rate5m", arm: "candidate", expr: shareOf(rollout, RANGE) }];
}

function alerts(rollout: WatchedRollout): readonly Rule[] {
  const { title, lease, namespace, leaseSeconds, candidate, stable } = rollout;
  const isExposed = `((${rateOf(candidate.requests, RANGE)}) > 0)`;
  const isOld = `((${leaseAge(rollout)}) > ${leaseSeconds})`;
  const named = `namespace=${JSON.stringify(namespace)}, lease=${JSON.stringify(lease)}`;
  const bringBack =
    "Run deploy-model with `mode: recover`: it sends everything back to stable, or finishes what was decided.";
  return [
    {
      alert: "MlReleaseCanaryUnattended",
      expr: `${isExposed} and on () (${isOld} or absent(kube_lease_renew_time{${named}}))`,
      for: "5m",
      severity: "critical",
      summary: `Users are on the candidate of ${title}, and no job watches it`,
      description: `The lease ${lease} in ${namespace} is not renewed, so the job that judges the candidate is gone. ${bringBack}`,
    },
    {
      alert: "MlReleaseLeaseExpired",
      expr: `${isOld} and on () (max(kube_lease_owner{${named}, lease_holder!=""}) == 1)`,
      for: "1m",
      severity: "warning",
      summary: `The lease of the rollout of ${title} has run out`,
      description: `${lease} in ${namespace} is still held, and was not renewed for ${leaseSeconds} seconds. ${bringBack}`,
    },
    {
      alert: "MlReleaseCanaryNotCounted",
      expr: `(${absentOf(rollout)}) and on () ((${rateOf(stable.requests, RANGE)}) > 0) and on () ((${leaseAge(rollout)}) <= ${leaseSeconds})`,
      for: "10m",
      severity: "warning",
      summary: `Nobody counts the candidate of ${title}`,
      description:
        "Its rollout will end as held for want of data. Are its pods scraped, and do the labels of the queries fit?",
    },
  ];
}

function absentOf({ candidate }: WatchedRollout): string {
  return `(${rateOf(candidate.requests, RANGE)}) == 0`;
}

function exprLines(expr: string): readonly string[] {
  return ["        expr: |-", `          ${expr}`];
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}
