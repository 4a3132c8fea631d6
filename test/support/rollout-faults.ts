import type { KubeConnection } from "../../actions/shared/clients/kubernetes/connection.ts";
import type { ClusterServing } from "../../actions/shared/ports/serving.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { connectionTo } from "./cluster/connection.ts";
import { until } from "./cluster/part.ts";
import { KUBE_FAULTS, type KubeFault, type KubeProxy, kubeProxy } from "./kube-proxy.ts";
import { seeded } from "./random.ts";
import { digits, digitsRollout, digitsServing } from "./rollout-target.ts";

/** The second one has the candidate wait with all of the traffic. */
const TWO_PAUSES = [{ setWeight: 50 }, { pause: {} }, { setWeight: 100 }, { pause: {} }];
const HALF = TWO_PAUSES.slice(0, 2);

type Play = {
  readonly serving: ClusterServing;
  /** Asks for a share, as whoever has written it into a journal. */
  readonly ask: (share: number) => Promise<void>;
};

type Story = {
  readonly steps: readonly object[];
  readonly serves: "1" | "2";
  /** At least. */
  readonly writes: number;
  readonly play: (play: Play) => Promise<void>;
};

const STORIES = {
  "taken back": {
    steps: TWO_PAUSES,
    serves: "1",
    // the template, the abort, the template before, the annotation
    writes: 4,
    play: async ({ serving, ask }) => {
      await serving.apply("candidate", digits("2"));
      await ask(0.5);
      await serving.split(0, 0);
      await serving.remove();
    },
  },
  "taken back from all of the traffic": {
    steps: HALF,
    serves: "1",
    // the template, the pause, the template before, its full promotion, the annotation
    writes: 5,
    play: async ({ serving, ask }) => {
      await serving.apply("candidate", digits("2"));
      await ask(0.5);
      await ask(1);
      await serving.remove();
    },
  },
  promoted: {
    steps: HALF,
    serves: "2",
    // the template, the pause, the annotation
    writes: 3,
    play: async ({ serving, ask }) => {
      await serving.apply("candidate", digits("2"));
      await ask(0.5);
      await ask(1);
      await serving.promote();
    },
  },
} as const satisfies Readonly<Record<string, Story>>;

export type Meeting = { readonly story: keyof typeof STORIES; readonly fault: KubeFault };

/** Every fault at every write of every way that a rollout takes. */
export const MEETINGS: readonly Meeting[] = (Object.keys(STORIES) as readonly Meeting["story"][]).flatMap((story) =>
  KUBE_FAULTS.map((fault) => ({ story, fault })),
);

export type Met = {
  /** What serves in the end, with all of the traffic and nothing of ours left in the Rollout. */
  readonly serves: string | undefined;
  readonly isClean: boolean;
  /** Shares above what was asked for, at any time. */
  readonly breaches: readonly string[];
  /** Whether every write met the fault. */
  readonly isMet: boolean;
};

/** The fault comes to every write that is sent first. What comes again passes; what is only slow is not sent again. */
export async function meetFault(cluster: Cluster, { story, fault }: Meeting): Promise<Met> {
  let befallen = 0;
  let isSecond = false;
  const befall: KubeProxy["befall"] = (_, line) => {
    if (line.startsWith("GET ")) return undefined;
    isSecond = fault !== "slow" && !isSecond;
    if (fault !== "slow" && !isSecond) return undefined;
    befallen++;
    return fault;
  };
  const { writes, play } = STORIES[story];
  const met = await playBefallen(cluster, STORIES[story], { befall, play });
  return { ...met, isMet: befallen >= writes };
}

const OUTAGE_MS = 1_000;

/** With every write the API server goes away for a while, longer than any request is sent again. */
export async function meetOutages(cluster: Cluster, story: Meeting["story"]): Promise<Met> {
  let outages = 0;
  let overAtMs = 0;
  let isNext = false;
  const befall: KubeProxy["befall"] = (_, line) => {
    if (Date.now() < overAtMs) return "503";
    if (line.startsWith("GET ")) return undefined;
    isNext = !isNext;
    if (!isNext) return undefined;
    outages++;
    overAtMs = Date.now() + OUTAGE_MS;
    return "503";
  };
  const { writes, play } = STORIES[story];
  const met = await playBefallen(cluster, STORIES[story], { befall, play });
  return { ...met, isMet: outages >= writes };
}

/** One of ten answers is bad, of reads too; the step is run again where it failed. */
export async function meetFaults(cluster: Cluster, seed: number): Promise<Met> {
  const random = seeded(seed);
  let asked = 0;
  let faults = 0;
  const befall: KubeProxy["befall"] = () => {
    if (asked++ % 10 !== seed % 10) return undefined;
    faults += 1;
    return KUBE_FAULTS[random.int(0, KUBE_FAULTS.length - 1)];
  };
  const met = await playBefallen(cluster, STORIES.promoted, {
    befall,
    play: ({ serving, ask }) =>
      STORIES.promoted.play({
        serving: {
          ...serving,
          apply: (arm, model) => again(() => serving.apply(arm, model)),
          promote: () => again(serving.promote),
        },
        ask: (share) => again(() => ask(share)),
      }),
  });
  return { ...met, isMet: faults > 1 };
}

/** As long as a machine with other work may take to answer. */
const ANSWER_MS = 4_000;
const READY_MS = 60_000;

type Befalling = Pick<Story, "play"> & { readonly befall: KubeProxy["befall"] };

/** A Rollout of two pods that is changed through a proxy, and looked at past it. */
async function playBefallen(
  cluster: Cluster,
  { steps }: Pick<Story, "steps">,
  { befall, play }: Befalling,
): Promise<Omit<Met, "isMet">> {
  const namespace = await cluster.namespace();
  await cluster.apply(digitsRollout({ replicas: 2, steps }), namespace);
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/rollouts/digits`;
  const rollout = () => cluster.api.get(path);
  await until("the Rollout to be Healthy", async () => (await rollout()).status?.phase === "Healthy");
  const proxy = await kubeProxy(cluster, namespace);
  const direct = digitsServing(await connectionTo(cluster, namespace));
  const watch = watchShare(direct);
  try {
    proxy.befall = befall;
    const send: KubeConnection["send"] = (wanted) => proxy.connection.send({ timeoutMs: ANSWER_MS, ...wanted });
    const serving = digitsServing({ ...proxy.connection, send }, { readyTimeoutMs: READY_MS });
    const ask = async (share: number) => {
      watch.allow(share);
      await serving.split(share, 0);
    };
    await play({ serving, ask });
    const { stable, candidate, share } = await direct.current();
    const { metadata, status } = await rollout();
    const isForgotten = metadata.annotations?.["ml-release.dev/former"] === undefined;
    return {
      serves: stable?.model.version,
      isClean: share === 0 && candidate === undefined && isForgotten && status.phase === "Healthy",
      breaches: await watch.stop(),
    };
  } finally {
    await watch.stop();
    proxy.close();
  }
}

const EVERY_MS = 300;

/** Looks all the time whether the candidate has more than was ever asked for. */
function watchShare(serving: ClusterServing) {
  const breaches: string[] = [];
  let allowed = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      const { share } = await serving.current();
      if (share > allowed) breaches.push(`${share} where ${allowed} was asked for`);
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  })();
  return {
    allow: (share: number) => {
      allowed = Math.max(allowed, share);
    },
    stop: async () => {
      isOver = true;
      await watching;
      return breaches;
    },
  };
}

const TRIES = 10;

async function again<T>(act: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      return await act();
    } catch (error) {
      if (tries === TRIES) throw error;
    }
}
