import { describe, expect, test } from "vitest";
import { fitOf, quotaShortages } from "../../../../../actions/shared/domain/manifest/capacity.ts";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";
import { parseQuantity } from "../../../../../actions/shared/domain/manifest/quantity.ts";

const GPU = "nvidia.com/gpu";
const template = (count: number, spec: object = {}) => ({
  name: "",
  replicas: 1,
  path: [],
  spec: { containers: [{ resources: { limits: { [GPU]: String(count) } } }], ...spec } as KubeObject,
});
type NodeFacts = { readonly gpus?: number; readonly labels?: object; readonly taints?: readonly object[] };
const node = (name: string, { gpus = 0, labels = {}, taints = [] }: NodeFacts = {}): KubeObject =>
  ({
    metadata: { name, labels },
    spec: { taints },
    status: { allocatable: gpus === 0 ? { cpu: "8" } : { cpu: "8", [GPU]: String(gpus) } },
  }) as KubeObject;

const taint = { key: GPU, value: "present", effect: "NoSchedule" };
const affinity = (operator: string, values: readonly string[]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: "gpu", operator, values }] }],
      },
    },
  },
});

describe("whether a node can ever hold a pod", () => {
  test.each([
    ["enough GPUs", template(2), node("a", { gpus: 2 })],
    [
      "a selector that matches",
      template(1, { nodeSelector: { gpu: "h100" } }),
      node("a", { gpus: 1, labels: { gpu: "h100" } }),
    ],
    [
      "an affinity that matches",
      template(1, affinity("In", ["h100"])),
      node("a", { gpus: 1, labels: { gpu: "h100" } }),
    ],
    ["an affinity without the label", template(1, affinity("DoesNotExist", [])), node("a", { gpus: 1 })],
    ["an affinity by number", template(1, affinity("Gt", ["3"])), node("a", { gpus: 1, labels: { gpu: "8" } })],
    [
      "a taint tolerated by key",
      template(1, { tolerations: [{ key: GPU, operator: "Exists" }] }),
      node("a", { gpus: 1, taints: [taint] }),
    ],
    [
      "a taint tolerated by value",
      template(1, { tolerations: [{ key: GPU, value: "present", effect: "NoSchedule" }] }),
      node("a", { gpus: 1, taints: [taint] }),
    ],
    [
      "all taints tolerated",
      template(1, { tolerations: [{ operator: "Exists" }] }),
      node("a", { gpus: 1, taints: [taint] }),
    ],
    [
      "a taint that only prefers",
      template(1),
      node("a", { gpus: 1, taints: [{ ...taint, effect: "PreferNoSchedule" }] }),
    ],
    [
      "a node that is not well now",
      template(1),
      node("a", { gpus: 1, taints: [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }] }),
    ],
  ])("yes: %s", (_, asked, one) => {
    expect(fitOf(asked, [one])).toEqual({ state: "fits", nodes: ["a"] });
  });

  test.each([
    ["no GPU", template(1), node("a"), "1 without nvidia.com/gpu"],
    ["too few", template(8), node("a", { gpus: 4 }), "1 with 4 x nvidia.com/gpu, 8 are asked for"],
    [
      "another selector",
      template(1, { nodeSelector: { gpu: "h100" } }),
      node("a", { gpus: 1 }),
      "1 that do not match the node selector or affinity",
    ],
    [
      "another affinity",
      template(1, affinity("NotIn", ["a10"])),
      node("a", { gpus: 1, labels: { gpu: "a10" } }),
      "1 that do not match the node selector or affinity",
    ],
    [
      "a taint",
      template(1),
      node("a", { gpus: 1, taints: [taint] }),
      "1 with the taint nvidia.com/gpu=present:NoSchedule that it does not tolerate",
    ],
    [
      "a toleration of another value",
      template(1, { tolerations: [{ key: GPU, value: "x" }] }),
      node("a", { gpus: 1, taints: [taint] }),
      "1 with the taint nvidia.com/gpu=present:NoSchedule that it does not tolerate",
    ],
  ])("no: %s", (...[, asked, one, reason]) => {
    expect(fitOf(asked, [one])).toEqual({ state: "none", reason: `0/1 node can hold it: ${reason}`, mayGrow: false });
  });

  test("reasons are counted over the nodes, and a cluster without nodes says so", () => {
    expect(fitOf(template(2), [node("a"), node("b"), node("c", { gpus: 1 })])).toMatchObject({
      reason: "0/3 nodes can hold it: 1 with 1 x nvidia.com/gpu, 2 are asked for, 2 without nvidia.com/gpu",
    });
    expect(fitOf(template(1), [])).toMatchObject({ state: "none", reason: "0/0 nodes can hold it" });
  });

  test.each(["karpenter.sh/nodepool", "eks.amazonaws.com/nodegroup", "cloud.google.com/gke-nodepool"])(
    "nodes with the label %s may become more",
    (label) => {
      expect(fitOf(template(1), [node("a", { labels: { [label]: "x" } })])).toMatchObject({
        state: "none",
        mayGrow: true,
      });
    },
  );

  test("a pod without GPUs asks for nothing that nodes lack", () => {
    const spec = { containers: [{ resources: { requests: { cpu: "64", memory: "1Ti" } } }] };
    expect(fitOf({ name: "", replicas: 1, path: [], spec }, []).state).toBe("unasked");
  });
});

test("a quota is too small for ever, or for now", () => {
  const quota = (hard: string, used: string) =>
    ({
      metadata: { name: "gpus" },
      status: { hard: { [`requests.${GPU}`]: hard }, used: { [`requests.${GPU}`]: used } },
    }) as KubeObject;
  const workers = { ...template(2), replicas: 3 };
  const shortage = (hard: string, used: string) => quotaShortages([workers], [quota(hard, used)]);
  expect(shortage("5", "0")).toEqual([{ quota: "gpus", resource: GPU, asked: 6, hard: 5, used: 0 }]);
  expect(shortage("8", "4")).toEqual([{ quota: "gpus", resource: GPU, asked: 6, hard: 8, used: 4 }]);
  expect(shortage("8", "2")).toEqual([]);
  expect(quotaShortages([workers], [{ metadata: { name: "cpu" }, spec: { hard: { cpu: "1" } } }])).toEqual([]);
});

test.each([
  ["2", 2],
  ["500m", 0.5],
  ["16Gi", 16 * 2 ** 30],
  ["1e3", 1000],
  ["1.5k", 1500],
  ["100M", 1e8],
  ["x", undefined],
  ["", undefined],
])("the quantity %j is %j", (text, value) => {
  expect(parseQuantity(text)).toBe(value);
});
