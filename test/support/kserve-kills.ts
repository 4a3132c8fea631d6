import type { KubeConnection } from "../../actions/shared/clients/kubernetes/connection.ts";
import type { ClusterServing } from "../../actions/shared/ports/serving.ts";
import type { FakeKServe } from "../fakes/kserve/start-kserve.ts";
import type { World, WorldOptions } from "../fakes/kserve/world.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { connectionTo } from "./cluster/connection.ts";
import { until } from "./cluster/part.ts";
import { FIRST_URI, inferenceService, ownRoute, readService, servingOf, uriOf, version } from "./kserve-target.ts";

const ONE = version("1.0.0");

/** A way to split traffic, with what users reach, and how many writes a rollout has. */
const WAYS = {
  knative: { world: { mode: "Knative" }, route: "fraud", promoted: 5, lowered: 5 },
  canary: { world: { mode: "Standard" }, route: "fraud", promoted: 4, lowered: 4 },
  twin: { world: { mode: "Standard", withoutGatewayApi: true }, route: "users", promoted: 6, lowered: 4 },
} as const satisfies Readonly<
  Record<string, { world: WorldOptions; route: string; promoted: number; lowered: number }>
>;

export type Kill = {
  readonly way: keyof typeof WAYS;
  readonly ends: "promoted" | "lowered";
  /** The write at which the process dies, from 1. */
  readonly at: number;
  /** Before it is sent, or when its answer has come but nobody has seen it. */
  readonly when: "before" | "after";
};

/** Every write of a rollout that is promoted and of one that is taken back, on every way. */
export const KILLS: readonly Kill[] = (["knative", "canary", "twin"] as const).flatMap((way) =>
  (["promoted", "lowered"] as const).flatMap((ends) =>
    Array.from({ length: WAYS[way][ends] }, (_, i) => i + 1).flatMap((at) =>
      (["before", "after"] as const).map((when) => ({ way, ends, at, when })),
    ),
  ),
);

export type Killed = {
  readonly died: boolean;
  /** Shares above what the journal allowed, and shares that nothing could answer. */
  readonly breaches: readonly string[];
  readonly errors: readonly string[];
  /** What users get in the end. */
  readonly gets: Readonly<Record<string, number>>;
  /** InferenceServices and canary entries that are left. */
  readonly left: number;
};

/** A rollout whose process dies, and another process that brings it to its end as the journal says. */
export async function killAndRecover(cluster: Cluster, kserve: FakeKServe, kill: Kill): Promise<Killed> {
  const { world: options, route } = WAYS[kill.way];
  const world = await kserve.world(options);
  await inferenceService(cluster, world);
  if (route === "users") await ownRoute(cluster, world);
  await until("the first model to answer", async () => world.answering(route)[FIRST_URI] === 100);
  const errors = world.errors.length;
  const dying = dyingAt(await connectionTo(cluster, world.namespace), kill);
  const journal = { isDecided: false };
  const died = await rollout(await servingOf(cluster, world, { connection: dying }), {
    world,
    route,
    kill,
    journal,
  }).then(
    () => false,
    (error: unknown) => {
      if (error instanceof Death) return true;
      throw error;
    },
  );
  const recovering = await servingOf(cluster, world);
  if (journal.isDecided) await recovering.promote();
  else await recovering.remove();
  const wanted = journal.isDecided ? uriOf(ONE) : FIRST_URI;
  await until("the end", async () => Math.abs((world.answering(route)[wanted] ?? 0) - 100) < 0.01, {
    seconds: 20,
  }).catch(() => {});
  if (!journal.isDecided) world.allow(route, uriOf(ONE), 0);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const { items } = await cluster.api.get(
    `/apis/serving.kserve.io/v1beta1/namespaces/${world.namespace}/inferenceservices`,
  );
  const { spec } = await readService(cluster, world.namespace);
  kserve.leave(world);
  return {
    died,
    breaches: world.breaches,
    errors: world.errors.slice(errors),
    gets: Object.fromEntries(Object.entries(world.answering(route)).filter(([, percent]) => percent > 0)),
    left: items.length - 1 + (spec.canary?.length ?? 0),
  };
}

type Rollout = {
  readonly world: World;
  readonly route: string;
  readonly kill: Kill;
  readonly journal: { isDecided: boolean };
};

async function rollout(serving: ClusterServing, { world, route, kill, journal }: Rollout): Promise<void> {
  world.allow(route, uriOf(ONE), 0);
  await serving.apply("candidate", ONE);
  const shares = kill.ends === "promoted" ? [10, 100] : [50];
  for (const percent of shares) {
    world.allow(route, uriOf(ONE), percent);
    await serving.split(percent / 100, 0);
  }
  if (kill.ends === "lowered") return await serving.remove();
  journal.isDecided = true;
  await serving.promote();
}

class Death extends Error {}

/** From the n-th write on nothing is sent any more, as when the process is gone. */
function dyingAt(connection: KubeConnection, { at, when }: Kill): KubeConnection {
  let writes = 0;
  let isDead = false;
  return {
    ...connection,
    send: async (wanted) => {
      if (isDead) throw new Death();
      const { pathname, searchParams } = new URL(wanted.url);
      const isWrite =
        (wanted.method ?? "GET") !== "GET" && !searchParams.has("dryRun") && !pathname.includes("/proxy/");
      if (!isWrite) return connection.send(wanted);
      isDead = ++writes >= at;
      if (isDead && when === "before") throw new Death();
      const answer = await connection.send(wanted);
      if (isDead) throw new Death();
      return answer;
    },
  };
}
