import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";
import { readRoute, splitRoute, weightOf } from "../../../../../actions/shared/domain/serving/http-route.ts";

const NAMES = { stable: "fraud", candidate: "fraud-candidate", namespace: "ml" };

describe("an HTTPRoute", () => {
  it.each([
    [1 / 3, 3333],
    [0.01, 100],
    [0.07, 700],
    [0.29, 2900],
    [0.00009, 0],
    [1, 10_000],
  ])("gives a share of %d no more than %d ten-thousandths", (share, weight) => {
    expect(weightOf(share)).toBe(weight);
  });

  it("is split in all rules that name the service, by one patch that holds only for what was read", () => {
    const stable = { name: "fraud", port: 80, weight: 7, filters: [{ type: "RequestHeaderModifier" }] };
    const route = read({ rules: [{ backendRefs: [{ name: "docs", port: 80 }] }, { backendRefs: [stable] }] });
    expect(splitRoute(route, NAMES, 0.2)).toEqual([
      { op: "test", path: "/spec/rules/1/backendRefs", value: [stable] },
      {
        op: "replace",
        path: "/spec/rules/1/backendRefs",
        value: [
          { ...stable, weight: 8000 },
          { ...stable, name: "fraud-candidate", weight: 2000 },
        ],
      },
      { op: "add", path: "/metadata/annotations", value: { "ml-release.dev/former": '{"weights":[7]}' } },
    ]);
  });

  it("at a share of 0 is as its owner wrote it", () => {
    const backendRefs = [
      { name: "fraud", port: 80, weight: 9000 },
      { name: "fraud-candidate", port: 80, weight: 1000 },
    ];
    const annotations = { "ml-release.dev/former": '{"weights":[7]}', team: "risk" };
    expect(splitRoute(read({ rules: [{ backendRefs }] }, { annotations }), NAMES, 0).slice(1)).toEqual([
      { op: "replace", path: "/spec/rules/0/backendRefs", value: [{ name: "fraud", port: 80, weight: 7 }] },
      { op: "remove", path: "/metadata/annotations/ml-release.dev~1former" },
    ]);
  });

  it("needs no patch where it gives the share already", () => {
    const backendRefs = [
      { name: "fraud", port: 80, weight: 9000 },
      { name: "fraud-candidate", port: 80, weight: 1000 },
    ];
    const annotations = { "ml-release.dev/former": '{"weights":[1]}' };
    expect(splitRoute(read({ rules: [{ backendRefs }] }, { annotations }), NAMES, 0.1)).toEqual([]);
  });

  it("is none of ours where it names another kind, or the service of another namespace", () => {
    const backendRefs = [
      { name: "fraud", namespace: "other", port: 80 },
      { name: "fraud", kind: "InferencePool", group: "inference.networking.k8s.io" },
    ];
    expect(readRoute(object({ rules: [{ backendRefs }] }), NAMES)).toBeUndefined();
  });

  it("tells which other backends a rule splits to", () => {
    const backendRefs = [
      { name: "fraud", port: 80 },
      { name: "old", port: 80 },
      { name: "off", port: 80, weight: 0 },
    ];
    expect(read({ rules: [{ backendRefs }] }).rules[0]?.others).toEqual(["old"]);
  });

  describe("is in force", () => {
    const accepted = [
      { type: "Accepted", status: "True", observedGeneration: 3 },
      { type: "ResolvedRefs", status: "True", observedGeneration: 3 },
    ];
    it.each<[string, object | undefined, "accepted" | "waiting" | "refused"]>([
      ["where each gateway says so of this generation", { conditions: accepted }, "accepted"],
      ["not where nobody said anything", undefined, "waiting"],
      [
        "not where it was said of an older one",
        { conditions: accepted.map((one) => ({ ...one, observedGeneration: 2 })) },
        "waiting",
      ],
      [
        "not where a backend is missing",
        {
          conditions: [
            accepted[0],
            { type: "ResolvedRefs", status: "False", reason: "BackendNotFound", observedGeneration: 3 },
          ],
        },
        "refused",
      ],
      [
        "not where only a part of it is",
        {
          conditions: [
            ...accepted,
            { type: "PartiallyInvalid", status: "True", reason: "UnsupportedValue", observedGeneration: 3 },
          ],
        },
        "refused",
      ],
    ])("%s", (_, parent, state) => {
      const parents = parent === undefined ? [] : [{ parentRef: { name: "edge" }, ...parent }];
      const route = read({ rules: [{ backendRefs: [{ name: "fraud", port: 80 }] }] }, { generation: 3 }, { parents });
      expect(route.status.state).toBe(state);
    });

    it("not before all gateways said so", () => {
      const spec = {
        parentRefs: [{ name: "edge" }, { name: "mesh" }],
        rules: [{ backendRefs: [{ name: "fraud", port: 80 }] }],
      };
      const parents = [{ parentRef: { name: "edge" }, conditions: accepted }];
      expect(read(spec, { generation: 3 }, { parents }).status).toEqual({
        state: "waiting",
        why: "the gateway mesh has not said anything of it",
      });
    });
  });
});

function read(spec: object, metadata: object = {}, status: object = {}) {
  const route = readRoute(object(spec, metadata, status), NAMES);
  if (route === undefined) throw new Error("the route names neither service");
  return route;
}

function object(spec: object, metadata: object = {}, status: object = {}): KubeObject {
  return {
    metadata: { name: "fraud", generation: 1, ...metadata },
    spec: { parentRefs: [{ name: "edge" }], ...spec },
    status,
  } as KubeObject;
}
