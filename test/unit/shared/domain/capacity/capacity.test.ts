import { describe, expect, test } from "vitest";
import {
  type CapacityQuestion,
  type ClusterRoom,
  capacityOf,
} from "../../../../../actions/shared/domain/capacity/capacity.ts";
import { podRequests } from "../../../../../actions/shared/domain/capacity/pod-requests.ts";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";

const GPU = "nvidia.com/gpu";
const GI = 2 ** 30;

const spec = (requests: object, rest: object = {}): KubeObject =>
  ({ containers: [{ resources: { requests } }], ...rest }) as KubeObject;
const server = spec({ [GPU]: "1", cpu: "2", memory: "4Gi" });

type NodeFacts = { readonly gpus?: number; readonly cpu?: string; readonly rest?: object; readonly labels?: object };
const node = (name: string, { gpus = 1, cpu = "8", rest = {}, labels = {} }: NodeFacts = {}): KubeObject =>
  ({
    metadata: { name, labels },
    spec: rest,
    status: { allocatable: { cpu, memory: "32Gi", pods: "110", ...(gpus === 0 ? {} : { [GPU]: String(gpus) }) } },
  }) as KubeObject;

let pods = 0;
const pod = (nodeName: string, of: KubeObject = server, phase = "Running"): KubeObject => {
  const name = `pod-${++pods}`;
  return { metadata: { name, uid: name }, spec: { ...of, nodeName }, status: { phase } };
};

const ask = (
  room: Partial<ClusterRoom>,
  { candidate = { spec: server, count: 1 }, stable = [] }: Partial<Omit<CapacityQuestion, "room">> = {},
) => capacityOf({ candidate, stable, room: { nodes: [], pods: [], quotas: [], ...room } });
const states = (capacity: ReturnType<typeof ask>) => capacity.plans.map(({ plan, state }) => `${plan} ${state}`);

describe("what a pod takes of a node", () => {
  test.each<[string, KubeObject, object]>([
    [
      "its containers together",
      { containers: [{ resources: { requests: { cpu: "1" } } }, { resources: { requests: { cpu: "500m" } } }] },
      { cpu: 1.5 },
    ],
    ["limits where there are no requests", { containers: [{ resources: { limits: { [GPU]: 2 } } }] }, { [GPU]: 2 }],
    [
      "an init container that wants more",
      spec({ cpu: "1" }, { initContainers: [{ resources: { requests: { cpu: "3" } } }] }),
      { cpu: 3 },
    ],
    [
      "what always runs beside, with both",
      spec(
        { cpu: "1" },
        {
          initContainers: [
            { restartPolicy: "Always", resources: { requests: { cpu: "1" } } },
            { resources: { requests: { cpu: "500m" } } },
          ],
        },
      ),
      { cpu: 2 },
    ],
    ["its overhead", spec({ cpu: "1" }, { overhead: { cpu: "250m" } }), { cpu: 1.25 }],
    ["what is asked for the pod as a whole", spec({ cpu: "1" }, { resources: { requests: { cpu: "4" } } }), { cpu: 4 }],
  ])("%s", (_, of, amounts) => {
    expect(podRequests(of)).toEqual(amounts);
  });
});

describe("room for a candidate", () => {
  test("beside stable", () => {
    const stable = [pod("a")];
    const capacity = ask({ nodes: [node("a", { gpus: 2 })], pods: stable }, { stable });
    expect(states(capacity)).toEqual(["extra fits", "borrow short", "recreate fits"]);
    expect(capacity.asked).toBe("1 x nvidia.com/gpu, 2 cpu, 4 GiB memory");
  });

  test("on a GPU that exists once is there only after stable has gone", () => {
    const stable = [pod("a")];
    const capacity = ask({ nodes: [node("a"), node("b", { gpus: 0 })], pods: stable }, { stable });
    expect(states(capacity)).toEqual(["extra short", "borrow short", "recreate fits"]);
    expect([capacity.replicas, capacity.asked]).toEqual([1, "1 x nvidia.com/gpu, 2 cpu, 4 GiB memory"]);
    expect(capacity.nodes.map(({ name, obstacle }) => `${name}: ${obstacle}`)).toEqual([
      "a: 0 x nvidia.com/gpu of 1 x nvidia.com/gpu free, 1 x nvidia.com/gpu asked for",
      "b: it has no nvidia.com/gpu",
    ]);
    expect(capacity.plans.map(({ why }) => why)).toEqual([
      "2 nodes can take 0 of 1 now",
      "stable must have two pods or more (saw 1)",
      "room on a",
    ]);
  });

  test("by borrowing from stable", () => {
    const stable = [pod("a"), pod("b")];
    const nodes = [node("a"), node("b")];
    expect(states(ask({ nodes, pods: stable }, { stable }))).toEqual(["extra short", "borrow fits", "recreate fits"]);
  });

  test("by borrowing depends on which pod goes, where only one node suits", () => {
    const stable = [pod("a"), pod("b")];
    const nodes = [node("a", { labels: { zone: "1" } }), node("b")];
    const candidate = { spec: { ...server, nodeSelector: { zone: "1" } }, count: 1 };
    const capacity = ask({ nodes, pods: stable }, { stable, candidate });
    expect(capacity.plans[1]).toMatchObject({ state: "maybe", why: expect.stringContaining("only where pod-") });
  });

  test("is counted node by node: two halves are no whole", () => {
    const half = spec({ cpu: "5" });
    const room = { nodes: [node("a"), node("b")], pods: [pod("a", half), pod("b", half)] };
    const candidate = { spec: spec({ cpu: "4" }), count: 1 };
    expect(states(ask(room, { candidate }))[0]).toBe("extra short");
  });

  test("is for all of its pods", () => {
    const nodes = [node("a", { gpus: 2 }), node("b")];
    expect(states(ask({ nodes }, { candidate: { spec: server, count: 3 } }))[0]).toBe("extra fits");
    expect(states(ask({ nodes }, { candidate: { spec: server, count: 4 } }))[0]).toBe("extra short");
  });

  test("is free again where pods have ended", () => {
    expect(states(ask({ nodes: [node("a")], pods: [pod("a", server, "Succeeded")] }))[0]).toBe("extra fits");
  });

  test.each<[string, KubeObject, string]>([
    ["is cordoned", node("a", { rest: { unschedulable: true } }), "it is cordoned"],
    [
      "has a taint",
      node("a", { rest: { taints: [{ key: "gpu", value: "train", effect: "NoSchedule" }] } }),
      "the taint gpu=train:NoSchedule is not tolerated",
    ],
    [
      "is not ready",
      { ...node("a"), status: { conditions: [{ type: "Ready", status: "Unknown" }] } },
      "it is not ready",
    ],
    ["has too few processors", node("a", { cpu: "1500m" }), "1.5 cpu of 1.5 cpu free, 2 cpu asked for"],
  ])("is not on a node that %s", (_, on, obstacle) => {
    expect(ask({ nodes: [on] }).nodes).toMatchObject([{ name: "a", holds: 0, obstacle }]);
  });

  test("may come by an autoscaler, which is said", () => {
    const nodes = [node("a", { gpus: 0, labels: { "karpenter.sh/nodepool": "gpu" } })];
    expect(ask({ nodes }).plans[0]?.why).toContain("an autoscaler may add some, which cannot be known");
  });

  test("is not known where the account may not look", () => {
    const blind = ask({ nodes: undefined, pods: undefined, quotas: undefined });
    expect(states(blind)[0]).toBe("extra unknown");
    expect(states(ask({ nodes: [node("a")], pods: undefined }))[0]).toBe("extra unknown");
    // what does not fit on empty nodes does not fit
    expect(states(ask({ nodes: [node("a", { gpus: 0 })], pods: undefined }))[0]).toBe("extra short");
  });
});

describe("a quota", () => {
  const quota = (hard: object, used: object, rest: object = {}): KubeObject =>
    ({ metadata: { name: "gpus" }, spec: { hard, ...rest }, status: { hard, used } }) as KubeObject;

  test.each([
    ["requests of GPUs", { [`requests.${GPU}`]: "1" }, { [`requests.${GPU}`]: "1" }, `0 of 1 requests.${GPU}`],
    ["memory", { memory: `${8 * GI}` }, { memory: `${5 * GI}` }, "memory"],
    ["pods", { pods: "1" }, { pods: "1" }, "0 of 1 pods"],
  ])("of %s keeps a candidate from being made beside stable", (...[, hard, used, words]) => {
    const stable = [pod("a")];
    const capacity = ask({ nodes: [node("a", { gpus: 2 })], pods: stable, quotas: [quota(hard, used)] }, { stable });
    expect(capacity.plans[0]).toMatchObject({ state: "short", why: expect.stringContaining(words) });
    expect(capacity.plans[2]).toMatchObject({ plan: "recreate", state: "fits" });
  });

  test("of some pods only is left to the cluster, and said", () => {
    const scoped = quota({ pods: "0" }, {}, { scopes: ["BestEffort"] });
    const capacity = ask({ nodes: [node("a")], quotas: [scoped] });
    expect(states(capacity)[0]).toBe("extra fits");
    expect(capacity.notes).toEqual(["not checked: quotas that count some pods only (gpus)"]);
  });
});
