import type { World } from "../../fakes/kserve/world.ts";
import { until } from "../../support/cluster/part.ts";
import { inferenceService, ownRoute, uriOf } from "../../support/kserve-target.ts";
import {
  canary,
  eventually,
  type Ground,
  gets,
  isReady,
  isTold,
  ONE,
  ourServing,
  patch,
  read,
  rest,
  shareOf,
  switched,
  type Trap,
  TWO,
  verdict,
} from "./trap.ts";

const NEW = uriOf(ONE);
const NEXT = uriOf(TWO);
const NEVER = { "kubelet.test/waiting": "ErrImagePull" };
const CRASHES = { "kubelet.test/exit-code": "1", "kubelet.test/run-time": "100ms" };

/** Traps of the canary in Standard mode, of its status, and of weights on a route. */
export const STANDARD_TRAPS: readonly Trap[] = [
  switched("canary-without-route", {
    when: "sometimes",
    naive: "believes the percent and the `ready` of canaryStatuses",
    wrong: "told to get 10 %, and gets nothing",
    world: { mode: "Standard", switches: ["canary-without-route"] },
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, entry("v1", NEW, { percent: 10, minReplicas: 1 }));
      await canaryIsReady(ground);
      await rest(1_500);
      return verdict(shareOf(ground, NEW) === 10, "told to get 10 %, and gets nothing");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await ownRoute(ground.cluster, ground.world);
      const serving = await ourServing(ground);
      await serving.apply("candidate", ONE);
      await serving.split(0.1, 0);
      return verdict(shareOf(ground, NEW, "users") === 10, `${shareOf(ground, NEW, "users")} %`);
    },
  }),
  {
    name: "unready-canary-is-left-out",
    says: "a canary whose pods do not come up is on no route, and nothing but its own Deployment says so",
    when: "always",
    naive: "waits for Ready and for a modelStatus that is UpToDate",
    wrong: "told to be loaded, and never came up",
    world: { mode: "Standard", plays: { [NEW]: NEVER } },
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, entry("v1", NEW, { percent: 10, minReplicas: 1 }));
      await rest();
      const told = await eventually(
        async () => (await isReady(ground)) && (await read(ground)).status.modelStatus.transitionStatus === "UpToDate",
      );
      return verdict(!told || shareOf(ground, NEW) === 10, "told to be loaded, and never came up");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      return verdict(await isTold(await ourServing(ground), ONE), "not told");
    },
  },
  {
    name: "zero-percent-has-no-pods",
    says: "a canary at 0 % without minReplicas has no pods, and is never ready",
    when: "always",
    naive: "starts a canary at 0 % and waits until it is ready",
    wrong: "it waits for ever",
    world: { mode: "Standard" },
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, entry("v1", NEW, { percent: 0 }));
      return await canaryIsReady(ground, 6).then(
        () => "right",
        () => "it waits for ever",
      );
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      const served = await (await ourServing(ground)).apply("candidate", ONE);
      return verdict(served.runs.as === "pods" && served.runs.ready === 1, "no pods");
    },
  },
  {
    name: "canary-name-used-again",
    says: "a canary of a name that was there before is ready at once, by the pods of the former model",
    when: "always",
    naive: "calls every canary `canary`, and waits until it is ready",
    wrong: "told to be ready while the former candidate answers",
    world: { mode: "Standard", plays: { [NEXT]: { "kubelet.test/start-after": "20s" } } },
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, entry("canary", NEW, { percent: 10, minReplicas: 1 }));
      await gets(ground, NEW, 10);
      await patch(ground, entry("canary", NEXT, { percent: 10, minReplicas: 1 }));
      await canaryIsReady(ground);
      return verdict(shareOf(ground, NEXT) === 10, "told to be ready while the former candidate answers");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await (await ourServing(ground)).apply("candidate", ONE);
      const impatient = await ourServing(ground, { readyTimeoutMs: 5_000 });
      const isLate = await impatient.apply("candidate", TWO).then(
        () => false,
        () => true,
      );
      return verdict(isLate && shareOf(ground, NEW) === 0, "told to be ready while the former candidate answers");
    },
  },
  {
    name: "ready-behind-old-pods",
    says: "Ready stays up while a new model crashes, as long as pods of the old one are there",
    when: "always",
    naive: "changes the address and waits for Ready",
    wrong: "told to serve while it crashes",
    world: { mode: "Standard", plays: { [NEW]: CRASHES } },
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, canary(NEW, null));
      await rest();
      return verdict(!(await eventually(() => isReady(ground))), "told to serve while it crashes");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      const said = await (await ourServing(ground)).apply("stable", ONE).then(
        () => "nothing",
        (error: Error) => error.message,
      );
      return verdict(/CrashLoopBackOff/.test(said), said);
    },
  },
  {
    name: "generation-of-another",
    says: "observedGeneration is that of the Deployment, which other writers raise",
    when: "always",
    naive: "waits until observedGeneration has reached the generation of its patch",
    wrong: "told to be ready before anything was made",
    world: { mode: "Standard", plays: { [NEW]: { "kubelet.test/ready-after": "3s" } } },
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await touched(ground);
      await patch(ground, canary(NEW, null));
      let now = await read(ground);
      while (now.status.observedGeneration < now.metadata.generation) {
        await rest(100);
        now = await read(ground);
      }
      return verdict(shareOf(ground, NEW) === 100, "told to be ready before anything was made");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await touched(ground);
      await (await ourServing(ground)).apply("stable", ONE);
      await rest(500);
      return verdict(shareOf(ground, NEW) === 100, `${shareOf(ground, NEW)} %`);
    },
  },
  {
    name: "promotion-restarts",
    says: "a new address in the stable predictor rolls its pods, whatever a canary has loaded already",
    when: "always",
    naive: "promotes by the address, and takes the canary away",
    wrong: "the model is loaded once more",
    world: { mode: "Standard" },
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, entry("v1", NEW, { percent: 50, minReplicas: 1 }));
      await gets(ground, NEW, 50);
      const before = await podsOf(ground, NEW);
      await patch(ground, { spec: { predictor: { model: { storageUri: NEW } }, canary: null } });
      await gets(ground, NEW, 100);
      return verdict(String(await podsOf(ground, NEW)) === String(before), "the model is loaded once more");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      const serving = await ourServing(ground);
      await serving.apply("candidate", ONE);
      await serving.split(1, 0);
      const before = await podsOf(ground, NEW);
      await serving.promote();
      return verdict(String(await podsOf(ground, NEW)) === String(before), "the model is loaded once more");
    },
  },
  {
    name: "name-goes-with-the-model",
    says: "a predictor may get another name only together with another model",
    when: "always",
    naive: "promotes in two patches, the name first",
    wrong: "the promotion is refused",
    world: { mode: "Standard" },
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, entry("v1", NEW, { percent: 50, minReplicas: 1 }));
      await gets(ground, NEW, 50);
      const status = await patch(ground, { spec: { predictor: { name: "v1" }, canary: null } });
      return verdict(status === 200, "the promotion is refused");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      const serving = await ourServing(ground);
      await serving.apply("candidate", ONE);
      await serving.split(1, 0);
      await serving.promote();
      return verdict((await read(ground)).spec.predictor.name !== undefined, "the promotion is refused");
    },
  },
  {
    name: "mode-is-in-the-status",
    says: "the mode is fixed by the status, whatever the annotation says later",
    when: "always",
    naive: "reads the mode from the annotation",
    wrong: "everything goes to the candidate, told to get 10 %",
    world: { mode: "Standard" },
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, { metadata: { annotations: { "serving.kserve.io/deploymentMode": "Serverless" } } });
      await patch(ground, canary(NEW, 10));
      const hasAll = await eventually(() => shareOf(ground, NEW) === 100);
      return verdict(!hasAll, "everything goes to the candidate, told to get 10 %");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, { metadata: { annotations: { "serving.kserve.io/deploymentMode": "Serverless" } } });
      await rest(4_000);
      const serving = await ourServing(ground);
      await serving.apply("candidate", ONE);
      await serving.split(0.1, 0);
      return verdict(shareOf(ground, NEW) === 10, `${shareOf(ground, NEW)} %`);
    },
  },
  switched("slow-gateway", {
    when: "sometimes",
    naive: "takes weights for in force as soon as they are written",
    wrong: "told to get 30 % before any gateway has seen it",
    world: { mode: "Standard", withoutGatewayApi: true, switches: ["slow-gateway"] },
    client: async (ground) => {
      const name = await twoServices(ground, NEW);
      await rest();
      await weights(ground, { "fraud-predictor": 70, [`${name}-predictor`]: 30 });
      await rest(300);
      return verdict(shareOf(ground, NEW, "users") === 30, "told to get 30 % before any gateway has seen it");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await ownRoute(ground.cluster, ground.world);
      const serving = await ourServing(ground);
      await serving.apply("candidate", ONE);
      await serving.split(0.3, 0);
      return verdict(shareOf(ground, NEW, "users") === 30, "told to get 30 % before any gateway has seen it");
    },
  }),
  {
    name: "weight-before-pods",
    says: "a weight for a Service behind which no pod is ready is a share of errors",
    when: "always",
    naive: "makes a second InferenceService and sets the weights",
    wrong: "a share of the requests is answered by errors",
    world: { mode: "Standard", withoutGatewayApi: true, plays: { [NEW]: { "kubelet.test/start-after": "8s" } } },
    client: async (ground) => {
      const name = await twoServices(ground, NEW);
      await weights(ground, { "fraud-predictor": 90, [`${name}-predictor`]: 10 });
      await rest();
      return verdict(ground.world.errors.length === 0, "a share of the requests is answered by errors");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await ownRoute(ground.cluster, ground.world);
      await rest(500);
      const before = ground.world.errors.length;
      const serving = await ourServing(ground);
      await serving.apply("candidate", ONE);
      await serving.split(0.1, 0);
      await rest(500);
      return verdict(ground.world.errors.length === before, ground.world.errors.join());
    },
  },
];

type Entry = { readonly percent: number; readonly minReplicas?: number };

function entry(name: string, uri: string, { percent, minReplicas }: Entry): object {
  const predictor = { name, model: { modelFormat: { name: "onnx" }, storageUri: uri } };
  const replicas = minReplicas === undefined ? {} : { minReplicas };
  return { spec: { canary: [{ trafficPercent: percent, predictor: { ...predictor, ...replicas } }] } };
}

async function canaryIsReady(ground: Ground, seconds = 30): Promise<void> {
  await until("the canary", async () => (await read(ground)).status.canaryStatuses?.[0]?.ready === true, { seconds });
}

async function podsOf({ cluster, world }: Ground, uri: string): Promise<readonly string[]> {
  const { items } = await cluster.api.get(`/api/v1/namespaces/${world.namespace}/pods`);
  const source = "internal.serving.kserve.io/storage-initializer-sourceuri";
  return items
    .filter(({ metadata }: Pod) => metadata.annotations[source] === uri && metadata.deletionTimestamp === undefined)
    .map(({ metadata }: Pod) => metadata.uid)
    .sort();
}

type Pod = {
  readonly metadata: {
    readonly annotations: Record<string, string>;
    readonly uid: string;
    readonly deletionTimestamp?: string;
  };
};

/** Others write Deployments too. */
async function touched({ cluster, world }: Ground): Promise<void> {
  for (const seconds of [599, 598, 597])
    await cluster.api.send(`/apis/apps/v1/namespaces/${world.namespace}/deployments/fraud-predictor`, {
      method: "PATCH",
      body: { spec: { progressDeadlineSeconds: seconds } },
      contentType: "application/merge-patch+json",
    });
  await rest(1_500);
}

/** As one makes them by hand; the second one's name. */
async function twoServices({ cluster, world }: Ground, uri: string): Promise<string> {
  await inferenceService(cluster, world);
  await ownRoute(cluster, world);
  await rest(500);
  const object = {
    apiVersion: "serving.kserve.io/v1beta1",
    kind: "InferenceService",
    metadata: { name: "fraud-c" },
    spec: { predictor: { model: { modelFormat: { name: "onnx" }, storageUri: uri } } },
  };
  await cluster.apply(JSON.stringify(object), world.namespace);
  return "fraud-c";
}

async function weights(
  { cluster, world }: { cluster: Ground["cluster"]; world: World },
  by: Record<string, number>,
): Promise<void> {
  const backendRefs = Object.entries(by).map(([name, weight]) => ({ name, port: 80, weight }));
  await cluster.api.send(`/apis/gateway.networking.k8s.io/v1/namespaces/${world.namespace}/httproutes/users`, {
    method: "PATCH",
    body: { spec: { rules: [{ backendRefs }] } },
    contentType: "application/merge-patch+json",
  });
}
