import { FIRST_URI, inferenceService, uriOf } from "../../support/kserve-target.ts";
import {
  canary,
  eventually,
  gets,
  isReady,
  isTold,
  ONE,
  ourServing,
  patch,
  read,
  release,
  rest,
  revisions,
  shareOf,
  switched,
  type Trap,
  TWO,
  verdict,
} from "./trap.ts";

const NEW = uriOf(ONE);
const NEXT = uriOf(TWO);
const NEVER = { "kubelet.test/waiting": "ErrImagePull" };

/** Traps of the canary in Knative mode. */
export const KNATIVE_TRAPS: readonly Trap[] = [
  {
    name: "first-takes-everything",
    says: "a percent counts for nothing as long as no version was ever rolled out",
    when: "always",
    naive: "starts the first version at 10 %",
    wrong: "the first version has everything, told to have 10 %",
    world: { plays: { [FIRST_URI]: NEVER } },
    client: async (ground) => {
      await broken(ground);
      await patch(ground, canary(NEW, 10));
      await gets(ground, NEW, 100);
      const { spec } = await read(ground);
      return verdict(
        shareOf(ground, NEW) === spec.predictor.canaryTrafficPercent,
        "the first version has everything, told to have 10 %",
      );
    },
    ours: async (ground) => {
      await broken(ground);
      const serving = await ourServing(ground);
      await serving.apply("candidate", ONE);
      const { share } = await serving.current();
      return verdict(share === 1 && shareOf(ground, NEW) === 100, `told ${share}`);
    },
  },
  {
    name: "repeated-start-goes-back",
    says: "a percent for a version that has everything is taken for the wish to go back",
    when: "always",
    naive: "starts the canary once more where the job is run again",
    wrong: "90 % go to the version before",
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, canary(NEW, null));
      await gets(ground, NEW, 100);
      await rest(1_000);
      await patch(ground, canary(NEW, 10));
      const isBack = await eventually(() => shareOf(ground, FIRST_URI) === 90);
      return verdict(!isBack, "90 % go to the version before");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await release(ground, ONE);
      const again = await ourServing(ground);
      await again.apply("candidate", ONE);
      const refused = await again.split(0.1, 0).then(
        () => false,
        () => true,
      );
      await rest();
      return verdict(refused && shareOf(ground, NEW) === 100, `${shareOf(ground, NEW)} % for what was released`);
    },
  },
  {
    name: "address-back-is-a-new-revision",
    says: "a storage address that is put back makes a third revision, which takes the place of the newest",
    when: "always",
    naive: "takes a canary back by its percent and the former address",
    wrong: "the former model is loaded a second time",
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, canary(NEW, 10));
      await gets(ground, NEW, 10);
      await patch(ground, canary(FIRST_URI, 0));
      const isThird = await eventually(async () => (await revisions(ground)) === 3);
      return verdict(!isThird, "the former model is loaded a second time");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      const serving = await ourServing(ground);
      await serving.apply("candidate", ONE);
      await serving.split(0.1, 0);
      await serving.remove();
      await rest(1_000);
      return verdict((await revisions(ground)) === 2 && shareOf(ground, FIRST_URI) === 100, "loaded twice");
    },
  },
  {
    ...switched("slow-controllers", {
      when: "always",
      naive: "takes a promoted version back by a percent of 0, and waits for Ready",
      wrong: "told to be taken back while it has everything",
      world: { switches: ["slow-controllers"] },
      client: async (ground) => {
        await inferenceService(ground.cluster, ground.world);
        await patch(ground, canary(NEW, null));
        await gets(ground, NEW, 100);
        await rest(1_500);
        await patch(ground, { spec: { predictor: { canaryTrafficPercent: 0 } } });
        while (!(await isReady(ground))) await rest(100);
        return verdict(shareOf(ground, NEW) === 0, "told to be taken back while it has everything");
      },
      ours: async (ground) => {
        await inferenceService(ground.cluster, ground.world);
        const serving = await ourServing(ground);
        await serving.apply("candidate", ONE);
        await serving.split(1, 0);
        await serving.remove();
        return verdict(shareOf(ground, FIRST_URI) === 100, "told to be taken back while it has everything");
      },
    }),
  },
  {
    name: "latest-is-latest-ready",
    says: "the entry of the candidate leads to the latest revision that is ready: stable, where the candidate never is",
    when: "always",
    naive: "reads the candidate's share from the entry of `latestRevision`",
    wrong: "told to get 10 %, and gets nothing",
    world: { plays: { [NEW]: NEVER } },
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, canary(NEW, 10));
      let told = 0;
      while (told !== 10) {
        await rest(200);
        const { status } = await read(ground);
        told = status.components.predictor.traffic.find(
          (one: { latestRevision: boolean }) => one.latestRevision,
        ).percent;
      }
      return verdict(shareOf(ground, NEW) === told, "told to get 10 %, and gets nothing");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      const told = await isTold(await ourServing(ground), ONE);
      return verdict(told && shareOf(ground, FIRST_URI) === 100, "not told");
    },
  },
  switched("revisions-collected", {
    when: "sometimes",
    naive: "goes back to the former revision by a percent of 0",
    wrong: "what was taken back goes on serving",
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, canary(NEW, null));
      await gets(ground, NEW, 100);
      await collected(ground);
      await patch(ground, { spec: { predictor: { canaryTrafficPercent: 0 } } });
      await rest(4_000);
      return verdict(shareOf(ground, NEW) === 0, "what was taken back goes on serving");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      const serving = await ourServing(ground);
      await serving.apply("candidate", ONE);
      await serving.split(1, 0);
      await collected(ground);
      await serving.remove();
      return verdict(shareOf(ground, FIRST_URI) === 100, "what was taken back goes on serving");
    },
  }),
  {
    name: "annotations-make-a-revision",
    says: "annotations of an InferenceService go on to its pods: a new one makes a new revision",
    when: "always",
    naive: "writes the version on the InferenceService once it is promoted",
    wrong: "the model is loaded once more",
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, canary(NEW, null));
      await gets(ground, NEW, 100);
      await patch(ground, { metadata: { annotations: { version: "1.0.0" } } });
      const isThird = await eventually(async () => (await revisions(ground)) === 3);
      return verdict(!isThird, "the model is loaded once more");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await release(ground, ONE);
      await rest();
      const { stable } = await (await ourServing(ground)).current();
      return verdict((await revisions(ground)) === 2 && stable?.model.version === "1.0.0", "loaded once more");
    },
  },
  {
    name: "tags-make-a-revision",
    says: "tag routing that is turned on during a canary makes a new revision",
    when: "always",
    naive: "turns tag routing on to ask the candidate by itself",
    wrong: "another revision takes the place of the candidate",
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, canary(NEW, 10));
      await gets(ground, NEW, 10);
      await patch(ground, { metadata: { annotations: { "serving.kserve.io/enable-tag-routing": "true" } } });
      const isThird = await eventually(async () => (await revisions(ground)) === 3);
      return verdict(!isThird, "another revision takes the place of the candidate");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await (await ourServing(ground)).apply("candidate", ONE);
      const { status } = await read(ground);
      const tags = status.components.predictor.traffic.map(({ tag }: { tag: string }) => tag);
      return verdict((await revisions(ground)) === 2 && tags.includes("latest"), `tags ${tags}`);
    },
  },
  {
    name: "progress-deadline",
    says: "a revision that is not ready after 600 s is given up (60 times as fast here)",
    when: "always",
    naive: "waits for a model that takes longer to load",
    wrong: "a good model is given up",
    world: { deadlineSpeed: 60, plays: { [NEW]: { "kubelet.test/ready-after": "14s" } } },
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, canary(NEW, 10));
      const isGivenUp = await eventually(async () => {
        const { status } = await read(ground);
        const said = status.conditions.find(({ type }: { type: string }) => type === "PredictorConfigurationReady");
        return said.status === "False";
      });
      return verdict(!isGivenUp, "a good model is given up");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      const serving = await ourServing(ground, { readyTimeoutMs: 3_600_000 });
      await serving.apply("candidate", ONE);
      await serving.split(0.1, 0);
      return verdict(shareOf(ground, NEW) === 10, "a good model is given up");
    },
  },
  {
    name: "percent-outlives-its-canary",
    says: "the percent of a canary that was never promoted is that of the next version too",
    when: "always",
    naive: "starts the next canary by its address, to raise its share later",
    wrong: "half of the requests go to a version that nobody has asked yet",
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, canary(NEW, 50));
      await gets(ground, NEW, 50);
      await patch(ground, { spec: { predictor: { model: { storageUri: NEXT } } } });
      const hasHalf = await eventually(() => shareOf(ground, NEXT) === 50);
      return verdict(!hasHalf, "half of the requests go to a version that nobody has asked yet");
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      const serving = await ourServing(ground);
      await serving.apply("candidate", ONE);
      await serving.split(0.5, 0);
      ground.world.allow("fraud", NEXT, 0);
      await serving.apply("candidate", TWO);
      await rest(1_000);
      return verdict(ground.world.breaches.length === 0 && shareOf(ground, FIRST_URI) === 100, "it has a share");
    },
  },
  switched("route-before-revision", {
    when: "sometimes",
    naive: "starts a canary, and looks at the candidate's share only",
    wrong: "90 % go to the version before stable",
    client: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await patch(ground, canary(NEW, null));
      await gets(ground, NEW, 100);
      await rest(1_000);
      ground.world.turn("route-before-revision", "on");
      await patch(ground, canary(NEXT, 10));
      await gets(ground, NEXT, 10);
      return verdict(
        shareOf(ground, FIRST_URI) === 0,
        `${shareOf(ground, FIRST_URI)} % go to the version before stable`,
      );
    },
    ours: async (ground) => {
      await inferenceService(ground.cluster, ground.world);
      await release(ground, ONE);
      ground.world.turn("route-before-revision", "on");
      const serving = await ourServing(ground);
      const told = await isTold(serving, TWO);
      await serving.remove();
      return verdict(told && shareOf(ground, NEW) === 100, `${shareOf(ground, NEW)} % for stable`);
    },
  }),
];

/** An InferenceService whose first model never came up. */
async function broken({ cluster, world }: Parameters<Trap["ours"]>[0]): Promise<void> {
  const object = {
    apiVersion: "serving.kserve.io/v1beta1",
    kind: "InferenceService",
    metadata: { name: "fraud" },
    spec: { predictor: { model: { modelFormat: { name: "onnx" }, storageUri: FIRST_URI } } },
  };
  await cluster.apply(JSON.stringify(object), world.namespace);
  await rest();
}

async function collected(ground: Parameters<Trap["ours"]>[0]): Promise<void> {
  await rest(1_000);
  ground.world.turn("revisions-collected", "on");
  while ((await revisions(ground)) > 1) await rest(200);
  ground.world.turn("revisions-collected", "off");
}
