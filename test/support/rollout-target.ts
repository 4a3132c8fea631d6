import type { RolloutPlace } from "../../actions/shared/clients/argo-rollouts/place.ts";
import { rolloutServing } from "../../actions/shared/clients/argo-rollouts/rollout-serving.ts";
import type { KubeConnection } from "../../actions/shared/clients/kubernetes/connection.ts";
import type { ServedModel } from "../../actions/shared/domain/rollout/journal-entry.ts";
import { sha256 } from "../../actions/shared/lib/hash.ts";
import { hastyPlace } from "./hasty-place.ts";

/** A version of the model `digits`. */
export function digits(version: string): ServedModel {
  return { name: "digits", version, digest: sha256(`digits ${version}`) };
}

/** As the step makes it, with pauses that fit a test. */
export function digitsServing(connection: KubeConnection, more: Partial<RolloutPlace> = {}) {
  return rolloutServing({ ...hastyPlace(connection, "digits"), ...more });
}

export type RolloutOptions = {
  readonly name?: string;
  readonly replicas?: number;
  readonly steps?: readonly object[];
  /** What else `spec.strategy.canary` has. */
  readonly canary?: object;
  /** For the kubelet: what it plays with the pods. */
  readonly pods?: Readonly<Record<string, string>>;
  /** `""`: nobody of ours released it. */
  readonly version?: string;
  /** Of its container. */
  readonly port?: number;
  readonly [field: string]: unknown;
};

export const QUARTERS: readonly object[] = [{ setWeight: 25 }, { pause: {} }, { setWeight: 50 }, { pause: {} }];

/** What users have: a Rollout of four pods that serves `digits` 1. */
export function digitsRollout({
  name = "digits",
  replicas = 4,
  steps = QUARTERS,
  canary = {},
  pods = {},
  version = "1",
  port = 8080,
  ...spec
}: RolloutOptions = {}): string {
  const model = digits(version);
  const annotations = {
    ...(version === "" ? {} : { "ml-release.dev/model": `digits@${version}`, "ml-release.dev/digest": model.digest }),
    ...Object.fromEntries(Object.entries(pods).map(([key, value]) => [`kubelet.test/${key}`, value])),
  };
  const container = {
    name: "server",
    image: "registry.test/server:1",
    env: [
      { name: "MODEL_URI", value: "s3://models/digits/1" },
      { name: "WORKERS", value: "4" },
    ],
    ports: [{ containerPort: port }],
    // The controller writes it back as 1Mi.
    resources: { requests: { cpu: "10m", memory: "1024Ki" } },
  };
  return JSON.stringify({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      strategy: { canary: { steps, ...canary } },
      template: { metadata: { labels: { app: name }, annotations }, spec: { containers: [container] } },
      ...spec,
    },
  });
}

/** A traffic router that is no more than an Ingress with annotations. */
export const ROUTED = {
  canaryService: "candidate",
  stableService: "stable",
  abortScaleDownDelaySeconds: 1,
  scaleDownDelaySeconds: 1,
  trafficRouting: { nginx: { stableIngress: "edge" } },
};

/** What it and the Rollout need. */
export function routedObjects(app = "digits"): readonly string[] {
  const service = (name: string) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { selector: { app }, ports: [{ port: 80, targetPort: 8080 }] },
  });
  const backend = { service: { name: "stable", port: { number: 80 } } };
  const ingress = {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "edge", annotations: { "kubernetes.io/ingress.class": "nginx" } },
    spec: { rules: [{ host: "digits.test", http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }] },
  };
  return [service("candidate"), service("stable"), ingress].map((object) => JSON.stringify(object));
}
