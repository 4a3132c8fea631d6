import type { AdderTarget, TargetWish } from "./adder-target.ts";
import { sharesBehind } from "./adder-users.ts";
import { ownAddress } from "./cluster/exposed-service.ts";
import { until } from "./cluster/part.ts";
import { digitsRollout, ROUTED, routedObjects } from "./rollout-target.ts";

/** Begins without a share, and ends with all of the traffic while the pods of stable are still there. */
const STEPS = [
  { setCanaryScale: { replicas: 1 } },
  { pause: {} },
  { setCanaryScale: { matchTrafficWeight: true } },
  { setWeight: 50 },
  { pause: {} },
  { setWeight: 100 },
  { pause: {} },
];

const WEIGHT = "nginx.ingress.kubernetes.io/canary-weight";

/** A Rollout of Argo that serves `adder` 1.0.0 behind an Ingress with weights. */
export async function adderRollout({ cluster, models, port }: TargetWish): Promise<AdderTarget> {
  const namespace = await cluster.namespace();
  const play = { port, pods: { "pod-ip": ownAddress() ?? "" } };
  const object = JSON.parse(digitsRollout({ name: "adder", version: "", steps: STEPS, canary: ROUTED, ...play }));
  Object.assign(object.spec.template.metadata.annotations, {
    "ml-release.dev/model": "adder@1.0.0",
    "ml-release.dev/digest": models.digestOf("1.0.0"),
  });
  for (const beside of routedObjects("adder")) await cluster.apply(beside, namespace);
  await cluster.apply(JSON.stringify(object), namespace);
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/rollouts/adder`;
  const rollout = () => cluster.api.get(path);
  await until("the Rollout to be Healthy", async () => (await rollout()).status?.phase === "Healthy");
  return {
    namespace,
    target: "rollout/adder",
    role: "deploy-model-rollout.yaml",
    shares: (sight) => {
      const canary = sight.ingresses.find(
        ({ metadata }) => metadata.namespace === namespace && metadata.name === "adder-edge-canary",
      );
      const weight = Number(canary?.metadata.annotations?.[WEIGHT] ?? 0);
      return sharesBehind(sight, namespace, [
        { name: "stable", weight: 100 - weight },
        ...(weight === 0 ? [] : [{ name: "candidate", weight }]),
      ]);
    },
    leftovers: async () => {
      const { metadata, status } = await rollout();
      return [
        ...Object.keys(metadata.annotations ?? {}).filter((name) => name === "ml-release.dev/former"),
        ...(status.phase === "Healthy" ? [] : [`phase ${status.phase}`]),
      ];
    },
    stop: async () => {
      await cluster.api.send(`/api/v1/namespaces/${namespace}`, { method: "DELETE" });
    },
  };
}
