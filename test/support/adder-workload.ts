import { startGatewayController } from "../fakes/gateway/gateway-controller.ts";
import { ADDER_ROUTE, adderDeployment, adderService } from "./adder-deployment.ts";
import type { AdderTarget, TargetWish } from "./adder-target.ts";
import { sharesBehind } from "./adder-users.ts";
import type { KubeObject } from "./cluster/api.ts";
import { ownAddress } from "./cluster/exposed-service.ts";
import { until } from "./cluster/part.ts";

/** A Deployment that serves `adder` 1.0.0 behind an HTTPRoute. */
export async function adderWorkload({ cluster, models, port }: TargetWish): Promise<AdderTarget> {
  const namespace = await cluster.namespace();
  const gateway = startGatewayController({ api: cluster.api, namespace });
  const wish = { digest: models.digestOf("1.0.0"), host: ownAddress() ?? "" };
  for (const object of [adderDeployment(wish), adderService(port), ADDER_ROUTE])
    await cluster.apply(JSON.stringify(object), namespace);
  const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  const deployment = () => cluster.api.get(`${deployments}/adder`);
  await until("the Deployment to serve", async () => (await deployment()).status.readyReplicas === 2);
  const namesAt = async (path: string) =>
    ((await cluster.api.get(path)).items as readonly KubeObject[]).map(({ metadata }) => metadata.name);
  return {
    namespace,
    target: "deployment/adder",
    role: "deploy-model-deployment.yaml",
    shares: (sight) => {
      const route = sight.routes.find(({ metadata }) => metadata.namespace === namespace);
      const refs: readonly Backend[] = route?.spec.rules[0].backendRefs ?? [];
      return sharesBehind(
        sight,
        namespace,
        refs.map(({ name, weight = 1 }) => ({ name, weight })),
      );
    },
    leftovers: async () => {
      const made = [...(await namesAt(deployments)), ...(await namesAt(`/api/v1/namespaces/${namespace}/services`))];
      const route = await cluster.api.get(
        `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes/adder`,
      );
      const refs = route.spec.rules[0].backendRefs as readonly Backend[];
      const marks = Object.keys(route.metadata.annotations ?? {});
      return [...made, ...refs.map(({ name }) => name), ...marks].filter((name) => name !== "adder");
    },
    stop: async () => {
      await gateway.stop();
      // A node takes 110 pods.
      await cluster.api.send(`/api/v1/namespaces/${namespace}`, { method: "DELETE" });
    },
  };
}

type Backend = { readonly name: string; readonly weight?: number };
