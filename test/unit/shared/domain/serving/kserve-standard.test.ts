import { describe, expect, test } from "vitest";
import { isJsonObject, type JsonObject } from "../../../../../actions/shared/domain/canonical.ts";
import type { KServeAct } from "../../../../../actions/shared/domain/serving/kserve-act.ts";
import {
  nextToDropCanary,
  nextToLowerCanary,
  nextToPromoteCanary,
  nextToSplitCanary,
  nextToStageCanary,
} from "../../../../../actions/shared/domain/serving/kserve-canary-next.ts";
import { readStandard, type StandardState } from "../../../../../actions/shared/domain/serving/kserve-standard.ts";
import {
  nextToDropTwin,
  nextToLowerTwin,
  nextToPromoteTwin,
  nextToServeStandard,
  nextToSplitTwin,
  nextToStageTwin,
} from "../../../../../actions/shared/domain/serving/kserve-twin-next.ts";
import {
  predictorMarks,
  versionLabel,
  type WantedVersion,
} from "../../../../../actions/shared/domain/serving/kserve-version.ts";

const A = wanted("1.0.0");
const B = wanted("1.1.0");
const B_NAME = versionLabel(B.model);
const IDLE = { isDrained: false };
const DRAINED = { isDrained: true };

describe("a canary entry", () => {
  test.each<[string, StandardState, Expected]>([
    ["is made at 0 %, with a pod", state({}), { do: "patch", patch: entryAt(0, 1) }],
    ["is waited for until its Deployment is there", state({ canary: 0 }), { do: "wait" }],
    ["is waited for until its pods serve", state({ canary: 0, candidate: "rolling" }), { do: "wait" }],
    ["fails with its Deployment", state({ canary: 0, candidate: "failed" }), { do: "fail", code: "COMMAND" }],
    ["is waited for until the route knows it", state({ canary: 0, candidate: "ready" }), { do: "wait" }],
    [
      "is waited for until the gateway does",
      state({ canary: 0, candidate: "ready", weight: 0, gateway: "late" }),
      { do: "wait" },
    ],
    [
      "is staged once pods, route and gateway have it",
      state({ canary: 0, candidate: "ready", weight: 0 }),
      { do: "done" },
    ],
    ["is nothing where the version is stable", state({ stable: B }), { do: "done" }],
    [
      "is not touched where somebody else has changed stable",
      state({ foreign: true }),
      { do: "fail", code: "CONFLICT" },
    ],
    ["is not made beside somebody else's", state({ theirs: true }), { do: "fail", code: "CONFLICT" }],
  ])("%s", (_, now, expected) => {
    expect(nextToStageCanary(now, B, IDLE)).toMatchObject(expected);
  });

  test("of another version is taken away first, its requests let end", () => {
    const now = state({ canary: 0, candidate: "ready", weight: 0 });
    expect(nextToStageCanary(now, wanted("1.2.0"), IDLE)).toEqual({ do: "drain" });
    expect(nextToStageCanary(now, wanted("1.2.0"), DRAINED)).toMatchObject({
      do: "patch",
      patch: { spec: { canary: null } },
    });
  });

  test("that no route knows in time shows that the server does not split", () => {
    const now = state({ canary: 0, candidate: "ready" });
    const first = nextToStageCanary(now, B, { ...IDLE, probeMs: 1_000 });
    const waiting = first.do === "wait" ? first.for : "";
    const act = (ms: number) => nextToStageCanary(now, B, { ...IDLE, probeMs: 1_000, waiting: { for: waiting, ms } });
    expect(act(999)).toMatchObject({ do: "wait" });
    expect(act(1_000)).toMatchObject({ do: "unsupported" });
    // what was waited for before does not count
    expect(
      nextToStageCanary(now, B, { ...IDLE, probeMs: 1_000, waiting: { for: "its pods", ms: 9_999 } }),
    ).toMatchObject({ do: "wait" });
  });

  test.each<[string, StandardState, number, Expected]>([
    [
      "has pods for its share before the share",
      state({ minReplicas: 4, canary: 0, candidate: "ready", weight: 0 }),
      50,
      { do: "patch", patch: entryAt(0, 2) },
    ],
    [
      "waits for those pods",
      state({ minReplicas: 4, canary: 0, replicas: 2, candidate: "rolling", weight: 0 }),
      50,
      { do: "wait" },
    ],
    [
      "then gets its share",
      state({ minReplicas: 4, canary: 0, replicas: 2, candidate: "ready", weight: 0 }),
      50,
      { do: "patch", patch: entryAt(50, 2) },
    ],
    ["waits for the route", state({ canary: 50, candidate: "ready", weight: 10 }), 50, { do: "wait" }],
    [
      "waits for the gateway",
      state({ canary: 50, candidate: "ready", weight: 50, gateway: "late" }),
      50,
      { do: "wait" },
    ],
    ["has it when the gateway does", state({ canary: 50, candidate: "ready", weight: 50 }), 50, { do: "done" }],
    ["has everything at 100", state({ canary: 100, candidate: "ready", weight: 100 }), 100, { do: "done" }],
    ["that is gone is a conflict", state({}), 50, { do: "fail", code: "CONFLICT" }],
    ["that is stable has everything", state({ stable: B }), 100, { do: "done" }],
  ])("%s", (...[, now, percent, expected]) => {
    expect(nextToSplitCanary(now, { model: B.model, percent }, IDLE)).toMatchObject(expected);
  });

  test.each<[string, StandardState, Expected]>([
    [
      "loses its share in one patch",
      state({ canary: 50, candidate: "failed", weight: 50 }),
      { do: "patch", patch: entryAt(0, 1) },
    ],
    ["is waited for on the route", state({ canary: 0, candidate: "ready", weight: 50 }), { do: "wait" }],
    ["has nothing where no route leads to it", state({ canary: 0, candidate: "rolling" }), { do: "done" }],
    ["is nothing where there is none", state({}), { do: "done" }],
  ])("%s, when it is taken back", (_, now, expected) => {
    expect(nextToLowerCanary(now)).toMatchObject(expected);
  });

  test("ends after its requests", () => {
    const now = state({ canary: 0, candidate: "ready", weight: 0 });
    expect(nextToDropCanary(now, IDLE)).toEqual({ do: "drain" });
    expect(nextToDropCanary(now, DRAINED)).toMatchObject({ do: "patch", patch: { spec: { canary: null } } });
    expect(nextToDropCanary(state({}), IDLE)).toEqual({ do: "done" });
  });

  test("is promoted by one patch, and the promotion is over when the new stable serves everything", () => {
    const full = state({ canary: 100, candidate: "ready", weight: 100 });
    expect(nextToPromoteCanary(full, IDLE)).toEqual({ do: "drain" });
    expect(nextToPromoteCanary(full, DRAINED)).toMatchObject({
      do: "patch",
      patch: {
        spec: {
          predictor: {
            name: B_NAME,
            model: { storageUri: B.uri },
            annotations: { "ml-release.dev/model": "digits@1.1.0" },
          },
          canary: null,
        },
      },
    });
    expect(nextToPromoteCanary(state({ stable: B, rollout: "rolling" }), DRAINED)).toMatchObject({ do: "wait" });
    expect(nextToPromoteCanary(state({ stable: B, weight: 30 }), DRAINED)).toMatchObject({ do: "wait" });
    expect(nextToPromoteCanary(state({ stable: B }), DRAINED)).toEqual({ do: "done" });
  });
});

describe("a second InferenceService", () => {
  test.each<[string, StandardState, Expected]>([
    ["needs a route", state({ twin: "none" }), { do: "fail", code: "NOT_FOUND" }],
    ["needs a route that leads nowhere else", state({ own: "mixed" }), { do: "fail", code: "REFUSED" }],
    ["is made beside stable", state({ own: 0 }), { do: "create" }],
    ["is waited for", state({ own: 0, twin: "rolling" }), { do: "wait" }],
    ["fails with its Deployment", state({ own: 0, twin: "failed" }), { do: "fail", code: "COMMAND" }],
    ["is waited for until its Service leads to pods", state({ own: 0, twin: "ready", endpoints: 0 }), { do: "wait" }],
    ["is staged when they answer, on no route", state({ own: 0, twin: "ready" }), { do: "done" }],
    ["is nothing where the version is stable", state({ own: 0, stable: B }), { do: "done" }],
    ["is waited for until a leaving one is gone", state({ own: 0, twin: "leaving" }), { do: "wait" }],
  ])("%s", (_, now, expected) => {
    expect(nextToStageTwin(now, B, IDLE)).toMatchObject(expected);
  });

  test("is a copy of stable with the version, one pod and our labels", () => {
    const act = nextToStageTwin(state({ own: 0 }), B, IDLE);
    expect(act).toMatchObject({
      object: {
        metadata: {
          name: `fraud-c-${B_NAME}`,
          labels: { "ml-release.dev/arm": "candidate", "ml-release.dev/beside": "fraud" },
        },
        spec: { predictor: { minReplicas: 1, model: { modelFormat: { name: "onnx" }, storageUri: B.uri } } },
      },
    });
  });

  test.each<[string, StandardState, number, Expected]>([
    [
      "has pods for its share before the share",
      state({ minReplicas: 4, own: 0, twin: "ready" }),
      0.5,
      { do: "patch", what: "twin", patch: { spec: { predictor: { minReplicas: 2 } } } },
    ],
    ["gets its share on the route", state({ own: 0, twin: "ready" }), 0.5, { do: "route", route: "users" }],
    ["waits for the gateway", state({ own: 50, twin: "ready", gateway: "late" }), 0.5, { do: "wait" }],
    ["has it when the gateway does", state({ own: 50, twin: "ready" }), 0.5, { do: "done" }],
    ["that is gone is a conflict", state({ own: 0 }), 0.5, { do: "fail", code: "CONFLICT" }],
    ["gives everything back at 0", state({ own: 50, twin: "failed" }), 0, { do: "route", route: "users" }],
  ])("%s", (...[, now, share, expected]) => {
    expect(nextToSplitTwin(now, { model: B.model, share })).toMatchObject(expected);
  });

  test.each<[string, StandardState, Expected]>([
    ["gets everything first", state({ own: 50, twin: "ready" }), { do: "route" }],
    [
      "then stable is asked for the version",
      state({ own: 100, twin: "ready" }),
      { do: "patch", what: "service", patch: { spec: { predictor: { model: { storageUri: B.uri } } } } },
    ],
    [
      "carries everything while stable rolls",
      state({ own: 100, twin: "ready", stable: B, rollout: "rolling" }),
      { do: "wait" },
    ],
    [
      "goes on carrying it where stable does not come up",
      state({ own: 100, twin: "ready", stable: B, rollout: "failed" }),
      { do: "fail", code: "COMMAND" },
    ],
    ["gives it back to stable that serves the version", state({ own: 100, twin: "ready", stable: B }), { do: "route" }],
    ["lets its requests end", state({ own: 0, twin: "ready", stable: B }), { do: "drain" }],
    ["is waited for until it is gone", state({ own: 0, twin: "leaving", stable: B }), { do: "wait" }],
    ["is over when it is gone", state({ own: 0, stable: B }), { do: "done" }],
  ])("of a promotion %s", (_, now, expected) => {
    expect(nextToPromoteTwin(now, IDLE)).toMatchObject(expected);
  });

  test("ends after its requests, its share first", () => {
    expect(nextToDropTwin(state({ own: 20, twin: "ready" }), IDLE)).toMatchObject({ do: "route" });
    expect(nextToDropTwin(state({ own: 0, twin: "ready" }), IDLE)).toEqual({ do: "drain" });
    expect(nextToDropTwin(state({ own: 0, twin: "ready" }), DRAINED)).toMatchObject({ do: "delete" });
    expect(nextToLowerTwin(state({ own: 0 }))).toEqual({ do: "done" });
  });
});

describe("serving without a rollout", () => {
  test.each<[string, StandardState, Expected]>([
    [
      "changes the address",
      state({}),
      { do: "patch", patch: { spec: { predictor: { model: { storageUri: B.uri } } } } },
    ],
    ["waits for a template that has it", state({ stable: B, template: A }), { do: "wait" }],
    ["waits for the pods", state({ stable: B, rollout: "rolling" }), { do: "wait" }],
    ["is over when all of them serve", state({ stable: B }), { do: "done" }],
    ["fails with the Deployment", state({ stable: B, rollout: "failed" }), { do: "fail", code: "COMMAND" }],
    ["leaves a foreign change alone", state({ foreign: true }), { do: "fail", code: "CONFLICT" }],
  ])("%s", (_, now, expected) => {
    expect(nextToServeStandard(now, B)).toMatchObject(expected);
  });
});

describe("the names of canaries", () => {
  test.each([
    ["1.2.0", "v1-2-0-"],
    ["2026.11.21+build", "v2026-11-21-build-"],
    ["a-very-long-version-that-goes-on-and-on", "va-very-long-version-"],
  ])("follow from the version %s and its digest", (version, start) => {
    const label = versionLabel(wanted(version).model);
    expect(label.startsWith(start)).toBe(true);
    expect(label).toMatch(/^[a-z]([-a-z0-9]*[a-z0-9])?$/);
    expect(label.length).toBeLessThanOrEqual(30);
  });

  test("differ for two models of one version", () => {
    const { model } = wanted("1.0.0");
    expect(versionLabel({ ...model, digest: `sha256:${"f".repeat(64)}` })).not.toBe(versionLabel(model));
  });
});

type Expected = Partial<Record<string, unknown>> & Pick<KServeAct, "do">;

type Wish = {
  /** What the spec asks for as stable, its Deployment's template, and how far that is. */
  readonly stable?: WantedVersion;
  readonly template?: WantedVersion;
  readonly rollout?: Rollout;
  readonly minReplicas?: number;
  readonly foreign?: true;
  /** A canary entry of B with this percent, and its weight on KServe's route. */
  readonly canary?: number;
  readonly replicas?: number;
  readonly weight?: number;
  readonly theirs?: true;
  readonly candidate?: Rollout;
  /** A second InferenceService of B, and its weight on a route of the user's. */
  readonly twin?: Rollout | "leaving" | "none";
  readonly own?: number | "mixed";
  readonly endpoints?: number;
  readonly gateway?: "late";
};

type Rollout = "rolling" | "ready" | "failed";

function state(wish: Wish): StandardState {
  const { stable = A, template = stable, rollout = "ready", minReplicas = 1, gateway } = wish;
  const annotations = plain({
    ...predictorMarks(stable),
    ...(wish.foreign ? { "ml-release.dev/uri": "s3://other" } : {}),
  });
  const entry = {
    name: B_NAME,
    minReplicas: wish.replicas ?? 1,
    annotations: plain(predictorMarks(B)),
    model: modelOf(B),
  };
  const theirs = { trafficPercent: 5, predictor: { name: "theirs", model: modelOf(A) } };
  const canary = wish.theirs
    ? [theirs]
    : wish.canary === undefined
      ? []
      : [{ trafficPercent: wish.canary, predictor: entry }];
  const metadata = { name: "fraud", namespace: "ml" };
  const isvc = {
    metadata,
    spec: {
      predictor: { minReplicas, annotations, model: modelOf(stable) },
      ...(canary.length === 0 ? {} : { canary }),
    },
  };
  const hasTwin = wish.twin !== undefined && wish.twin !== "none";
  const twin = hasTwin
    ? {
        metadata: {
          name: "fraud-c",
          ...(wish.twin === "leaving" ? { deletionTimestamp: "2026-11-21T09:00:00Z" } : {}),
        },
        spec: { predictor: entry },
      }
    : undefined;
  const candidateName = hasTwin ? "fraud-c-predictor" : `fraud-${B_NAME}-predictor`;
  const made = hasTwin ? (wish.twin === "leaving" ? "ready" : wish.twin) : wish.candidate;
  const refs = (weight: number | undefined, whole = 100) => [
    { name: "fraud-predictor", port: 80, ...(weight === undefined ? {} : { weight: whole - weight }) },
    ...(weight === undefined ? [] : [{ name: candidateName, port: 80, weight }]),
  ];
  return readStandard({
    isvc,
    twin,
    namespace: "ml",
    stable: deployment("fraud-predictor", template, rollout),
    candidate: made === undefined ? undefined : deployment(candidateName, B, made),
    routes: [
      wish.own === undefined
        ? route("fraud", refs(wish.weight), { gateway, owner: true })
        : ownRoute(wish.own, refs, gateway),
    ],
    slices: [{ endpoints: Array.from({ length: wish.endpoints ?? 1 }, () => ({ conditions: { ready: true } })) }],
  });
}

type Refs = (weight: number | undefined, whole?: number) => readonly JsonObject[];

/** As the route's owner wrote it, or as we split it. */
function ownRoute(own: number | "mixed", refs: Refs, gateway: "late" | undefined): JsonObject {
  if (own === "mixed")
    return route("users", [...refs(undefined), { name: "other", port: 80 }], { gateway, owner: false });
  if (own === 0) return route("users", refs(undefined), { gateway, owner: false });
  const { metadata, ...rest } = route("users", refs(own * 100, 10_000), { gateway, owner: false });
  const annotations = { "ml-release.dev/former": JSON.stringify({ weights: [1] }) };
  return { ...rest, metadata: { ...(isJsonObject(metadata) ? metadata : {}), annotations } };
}

type RouteWish = { readonly gateway: "late" | undefined; readonly owner: boolean };

function route(name: string, backendRefs: readonly JsonObject[], { gateway, owner }: RouteWish): JsonObject {
  const observedGeneration = gateway === "late" ? 1 : 2;
  const conditions = ["Accepted", "ResolvedRefs"].map((type) => ({ type, status: "True", observedGeneration }));
  return {
    metadata: {
      name,
      generation: 2,
      ...(owner ? { ownerReferences: [{ kind: "InferenceService", name: "fraud" }] } : {}),
    },
    spec: { parentRefs: [{ name: "gateway" }], rules: [{ backendRefs }] },
    status: { parents: [{ parentRef: { name: "gateway" }, conditions }] },
  };
}

function deployment(name: string, version: WantedVersion, rollout: Rollout): JsonObject {
  const annotations = {
    ...plain(predictorMarks(version)),
    "internal.serving.kserve.io/storage-initializer-sourceuri": version.uri,
  };
  const counts = { replicas: 1, updatedReplicas: 1, availableReplicas: rollout === "ready" ? 1 : 0 };
  const failed = [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "too long" }];
  return {
    metadata: { name, generation: 1 },
    spec: { replicas: 1, template: { metadata: { annotations } } },
    status: { observedGeneration: 1, ...counts, conditions: rollout === "failed" ? failed : [] },
  };
}

function entryAt(trafficPercent: number, minReplicas: number): JsonObject {
  return {
    spec: {
      canary: [
        {
          trafficPercent,
          predictor: { name: B_NAME, minReplicas, model: { modelFormat: { name: "onnx" }, storageUri: B.uri } },
        },
      ],
    },
  };
}

function modelOf({ uri }: WantedVersion): JsonObject {
  return { modelFormat: { name: "onnx" }, storageUri: uri };
}

function plain(marks: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(marks).filter(([, value]) => !isJsonObject(value) && value !== null));
}

function wanted(version: string): WantedVersion {
  const digest = `sha256:${Buffer.from(version).toString("hex").padEnd(64, "0").slice(0, 64)}` as const;
  return {
    model: { name: "digits", version, digest },
    uri: `s3://models/digits/${version}`,
    marks: { "ml-release.dev/commit": "abc" },
    readySeconds: 300,
  };
}
