import { expect, it } from "vitest";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";
import { type RoomQuestion, roomFor } from "../../../../../actions/shared/domain/serving/deployment-room.ts";
import { type FraudOptions, fraudDeployment } from "../../../../support/deployment-target.ts";

const SURGE = { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } };
const FIRST_GOES = { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } };

it.each<[string, Asked, number]>([
  ["a canary beside 1 pod, with a free GPU", { strategy: "canary", gpus: 2, options: { replicas: 1 } }, 0],
  ["a canary beside 1 pod, with none", { strategy: "canary", gpus: 1, options: { replicas: 1 } }, 1],
  ["a canary that grows to 2 pods, with one free", { strategy: "canary", gpus: 3, options: { replicas: 2 } }, 1],
  [
    "a surge of the only pod, with no free GPU",
    { strategy: "rolling", gpus: 1, options: { replicas: 1, strategy: SURGE } },
    1,
  ],
  [
    "25 % of 4 pods may be away: one goes first",
    { strategy: "rolling", gpus: 4, options: { replicas: 4, strategy: SURGE } },
    0,
  ],
  ["the old pod may go first", { strategy: "rolling", gpus: 1, options: { replicas: 1, strategy: FIRST_GOES } }, 0],
  ["a recreation in the place of the old pod", { strategy: "recreate", gpus: 1, options: { replicas: 1 } }, 0],
])("%s", (_, asked, problems) => {
  expect(roomFor(question(asked)).problems).toHaveLength(problems);
});

it("takes what is short for a note where nodes are said to be added, and names that way where somebody could add some", () => {
  const asked = { strategy: "canary", gpus: 1, options: { replicas: 1 } } as const;
  const grown = question(asked, { "karpenter.sh/nodepool": "gpu" });
  expect(hints(roomFor(grown))).toContain("set capacity: assume-autoscaler");
  expect(hints(roomFor(question(asked)))).not.toContain("assume-autoscaler");
  const assumed = roomFor({ ...question(asked), capacity: "assume-autoscaler" });
  expect([assumed.problems, assumed.notes]).toEqual([
    [],
    ["the cluster has no room now (1 node can take 0 of 1 now): an autoscaler is taken to add nodes"],
  ]);
});

it("does not take a quota for something that nodes could mend", () => {
  const asked = { strategy: "canary", gpus: 9, options: { replicas: 1 } } as const;
  const status = { hard: { pods: "1" }, used: { pods: "1" } };
  const quotas = [{ metadata: { name: "few" }, spec: { hard: status.hard }, status }];
  const { room, ...rest } = question(asked, { "karpenter.sh/nodepool": "gpu" });
  const answer = roomFor({ ...rest, capacity: "assume-autoscaler", room: { ...room, quotas } });
  expect(answer.problems).toMatchObject([{ saw: expect.stringContaining("the quota few has 0 of 1 pods left") }]);
  expect(hints(answer)).not.toContain("assume-autoscaler");
});

it("says nothing against what an account may not look at", () => {
  const asked = { strategy: "canary", gpus: 1, options: { replicas: 1 } } as const;
  const unknown = { nodes: undefined, pods: undefined, quotas: undefined };
  const blind = roomFor({ ...question(asked), room: unknown });
  expect([blind.problems, blind.capacity.plans[0]]).toEqual([
    [],
    { plan: "extra", state: "unknown", why: "the account may not list nodes" },
  ]);
});

it("names the way that fits: a pod of stable for each of the candidate, or stable before the candidate", () => {
  const two = roomFor(question({ strategy: "canary", gpus: 2, options: { replicas: 2 } }));
  expect(two.problems).toMatchObject([
    {
      rule: "the cluster must have room for 2 pods more of fraud (strategy: canary)",
      where: { input: "capacity" },
      saw: "1 node can take 0 of 2 now; gpu-1: 0 x nvidia.com/gpu of 2 x nvidia.com/gpu free, 1 x nvidia.com/gpu asked for; each asks for 1 x nvidia.com/gpu",
    },
  ]);
  expect(hints(two)).toContain("set capacity: borrow");
  const one = roomFor(question({ strategy: "canary", gpus: 1, options: { replicas: 1 } }));
  expect(hints(one)).toBe(
    "free that room; or set strategy: recreate, with which the old pods end first and nothing serves meanwhile",
  );
  const lent = question({ strategy: "canary", gpus: 2, options: { replicas: 2 } });
  expect(roomFor({ ...lent, capacity: "borrow" }).problems).toEqual([]);
});

function hints({ problems }: ReturnType<typeof roomFor>): string {
  return problems.map(({ hint }) => hint).join("\n");
}

type Asked = { readonly strategy: RoomQuestion["strategy"]; readonly gpus: number; readonly options: FraudOptions };

/** One node with so many GPUs, one of which each pod of stable holds. */
function question({ strategy, gpus, options }: Asked, labels: Readonly<Record<string, string>> = {}): RoomQuestion {
  const stable = JSON.parse(fraudDeployment({ gpus: 1, ...options })) as KubeObject;
  const { template } = stable.spec as { readonly template: KubeObject };
  const pods = Array.from({ length: options.replicas ?? 1 }, (_, i) => ({
    metadata: { name: `fraud-${i}`, namespace: "ml", uid: `${i}` },
    spec: { ...(template.spec as KubeObject), nodeName: "gpu-1" },
    status: { phase: "Running" },
  }));
  const allocatable = { "nvidia.com/gpu": String(gpus), cpu: "64", memory: "256Gi", pods: "110" };
  const ready = { type: "Ready", status: "True" };
  const node = { metadata: { name: "gpu-1", labels }, spec: {}, status: { allocatable, conditions: [ready] } };
  return { stable, pods, strategy, capacity: "extra", room: { nodes: [node], pods, quotas: [] } };
}
