/** Ways of KServe, Knative and gateways that do not always show: a test turns them on. */
export const SWITCHES = {
  /** The HTTPRoute knows nothing of spec.canary, whose percent the status repeats (v0.20.0). */
  "canary-without-route": "spec.canary makes pods and a status that repeats its percent, and no weights on any route",
  /** Revisions without traffic are collected at once; Knative keeps them for hours. */
  "revisions-collected": "a revision that gets no traffic is collected",
  /** The Route is told of a new percent before the Configuration has made the revision. */
  "route-before-revision":
    "KServe sees the split before the new revision is made, and takes it for the wish to go back to the version before stable",
  /** Each step of a controller takes a while. */
  "slow-controllers": "between a change and what controllers make of it lies a second",
  /** A gateway takes weights in a second after they were written. */
  "slow-gateway": "weights are in force a second after they were written",
} as const satisfies Readonly<Record<string, string>>;

export type SwitchName = keyof typeof SWITCHES;
