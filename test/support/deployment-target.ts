import { deploymentServing } from "../../actions/shared/clients/deployments/deployment-serving.ts";
import type { DeploymentPlace } from "../../actions/shared/clients/deployments/place.ts";
import type { KubeConnection } from "../../actions/shared/clients/kubernetes/connection.ts";
import type { ServedModel } from "../../actions/shared/domain/rollout/journal-entry.ts";
import { sha256 } from "../../actions/shared/lib/hash.ts";
import type { ClusterServing } from "../../actions/shared/ports/serving.ts";
import { hastyPlace } from "./hasty-place.ts";

/** A version of the model `fraud`. */
export function fraud(version: string): ServedModel {
  return { name: "fraud", version, digest: sha256(`fraud ${version}`) };
}

/** As the step makes it, with pauses that fit a test. */
export function fraudServing(connection: KubeConnection, more: Partial<DeploymentPlace> = {}): ClusterServing {
  return deploymentServing({ ...hastyPlace(connection, "fraud"), strategy: "canary", drainMs: 1_000, ...more });
}

export type FraudOptions = {
  readonly replicas?: number;
  readonly gpus?: number;
  /** For the kubelet: what it plays with the pods. */
  readonly pods?: Readonly<Record<string, string>>;
  readonly strategy?: object;
  readonly progressDeadlineSeconds?: number;
};

/** What users have: a Deployment that serves `fraud` 1. */
export function fraudDeployment({ replicas = 2, gpus = 0, pods = {}, ...spec }: FraudOptions = {}): string {
  const { name, version, digest } = fraud("1");
  const annotations = {
    "ml-release.dev/model": `${name}@${version}`,
    "ml-release.dev/digest": digest,
    ...Object.fromEntries(Object.entries(pods).map(([key, value]) => [`kubelet.test/${key}`, value])),
  };
  const labels = { app: "fraud", team: "risk" };
  const container = {
    name: "server",
    image: "registry.test/server:1",
    env: [
      { name: "MODEL_URI", value: "s3://models/fraud/1" },
      { name: "WORKERS", value: "4" },
    ],
    ports: [{ containerPort: 8080 }],
    ...(gpus === 0 ? {} : { resources: { limits: { "nvidia.com/gpu": String(gpus) } } }),
  };
  return JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "fraud", labels },
    spec: {
      replicas,
      selector: { matchLabels: { app: "fraud" } },
      template: { metadata: { labels, annotations }, spec: { containers: [container] } },
      ...spec,
    },
  });
}

export function fraudService(): string {
  const ports = [{ name: "http", port: 80, targetPort: 8080 }];
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "fraud", labels: { team: "risk" } },
    spec: { selector: { app: "fraud" }, ports },
  });
}

/** The service by the gateway `edge`, once by host and once by path. */
export function fraudRoute(name = "fraud"): string {
  const backendRefs = [{ name: "fraud", port: 80 }];
  return JSON.stringify({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name },
    spec: {
      parentRefs: [{ name: "edge" }],
      hostnames: [`${name}.test`],
      rules: [{ matches: [{ path: { type: "PathPrefix", value: "/v2" } }], backendRefs }, { backendRefs }],
    },
  });
}

export function fraudAutoscaler({ min, max }: { readonly min: number; readonly max: number }): string {
  return JSON.stringify({
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "fraud" },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "fraud" },
      minReplicas: min,
      maxReplicas: max,
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
      ],
    },
  });
}
