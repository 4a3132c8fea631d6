import { describe, expect, test } from "vitest";
import type { KServeAct } from "../../../../../actions/shared/domain/serving/kserve-act.ts";
import { knativeArms } from "../../../../../actions/shared/domain/serving/kserve-knative.ts";
import {
  nextToLower,
  nextToPromote,
  nextToServe,
  nextToSplit,
  nextToStage,
} from "../../../../../actions/shared/domain/serving/kserve-knative-next.ts";
import type { WantedVersion } from "../../../../../actions/shared/domain/serving/kserve-version.ts";
import {
  collected,
  type Model,
  newModel,
  patched,
  settled,
  shareOf,
  stateOf,
  stepsOf,
} from "../../../../support/kserve-model.ts";

const FIRST = "s3://models/by-hand";
const A = wanted("1.0.0");
const B = wanted("1.1.0");

type Goal = { readonly goal: string; readonly percent: number; readonly next: (model: Model) => KServeAct };

const stage = (version: WantedVersion): Goal => ({
  goal: `stage ${version.model.version}`,
  percent: 0,
  next: (model) => nextToStage(stateOf(model), version),
});
const split = (percent: number): Goal => ({
  goal: `${percent} %`,
  percent,
  next: (model) => nextToSplit(stateOf(model), B.model, percent),
});
const promote: Goal = { goal: "promote", percent: 100, next: (model) => nextToPromote(stateOf(model)) };
const lower: Goal = { goal: "lower", percent: 0, next: (model) => nextToLower(stateOf(model)) };

/** One version of ours is stable, after one that was not: KServe remembers both. */
function released(): Model {
  let model = settled(newModel(FIRST));
  for (const goal of [
    stage(A),
    { ...split(100), next: (now: Model) => nextToSplit(stateOf(now), A.model, 100) },
    promote,
  ])
    model = reached(model, goal);
  return model;
}

function reached(from: Model, { next, goal }: Goal): Model {
  let model = from;
  for (let i = 0; i < 40; i++) {
    const act = next(model);
    if (act.do === "done") return model;
    if (act.do === "fail") throw new Error(`${goal}: ${act.problem.rule}`);
    model = settled(act.do === "patch" ? patched(model, act.patch) : model);
  }
  throw new Error(`${goal} is never reached`);
}

describe("every order in which we and the controllers may act", () => {
  test.each<[string, readonly Goal[]]>([
    ["is promoted", [stage(B), split(10), split(100), promote]],
    ["is taken back after a step", [stage(B), split(10), lower]],
    ["is taken back after it had everything", [stage(B), split(100), lower]],
    ["is taken back before it had anything", [stage(B), lower]],
  ])("never gives the candidate more than was asked, and comes to its end: a rollout that %s", (_, script) => {
    const { most, states, ends } = explored(released(), script);
    expect(most.slice(0, 2)).toEqual([]);
    expect(states).toBeGreaterThan(100);
    // where KServe itself loses stable on the way, the rollout goes back to it
    const wanted = script.at(-1) === promote ? [A.uri, B.uri] : [A.uri];
    expect(ends.filter((end) => !wanted.some((uri) => shareOf(end, uri) === 100))).toEqual([]);
    expect(ends.some((end) => shareOf(end, wanted.at(-1) ?? "") === 100)).toBe(true);
  });

  test("the same where the former revision is collected as soon as it gets nothing", () => {
    const { most, ends } = explored(released(), [stage(B), split(100), lower], { collects: true });
    expect(most.slice(0, 2)).toEqual([]);
    expect(ends.filter((end) => shareOf(end, A.uri) !== 100)).toEqual([]);
  });

  test("the same where the process dies anywhere, and another one takes everything back", () => {
    const { most, ends } = explored(released(), [stage(B), split(10), split(100)], { dies: true });
    expect(most.slice(0, 2)).toEqual([]);
    const taken = ends.filter((end) => shareOf(end, B.uri) === 0);
    const kept = ends.filter((end) => shareOf(end, B.uri) === 100);
    expect(taken.length).toBeGreaterThan(0);
    expect(taken.length + kept.length).toBe(ends.length);
    expect(taken.every((end) => shareOf(end, A.uri) === 100)).toBe(true);
  });
});

type Point = {
  readonly model: Model;
  readonly at: number;
  readonly allowed: number;
  readonly isLowering: boolean;
  /** How it came to this. */
  readonly trace: readonly string[];
};

/** All that can be reached: a step of a controller, or of ours, at a time. A goal that fails is followed by taking everything back. */
function explored(
  start: Model,
  script: readonly Goal[],
  { dies = false, collects = false }: { readonly dies?: boolean; readonly collects?: boolean } = {},
) {
  const most: string[] = [];
  const ends = new Map<string, Model>();
  const seen = new Set<string>();
  const open: Point[] = [{ model: start, at: 0, allowed: 0, isLowering: false, trace: [] }];
  for (let point = open.pop(); point !== undefined; point = open.pop()) {
    const { model, at, allowed, isLowering, trace } = point;
    const key = JSON.stringify([model, at, allowed, isLowering]);
    if (seen.has(key)) continue;
    seen.add(key);
    if (shareOf(model, B.uri) > allowed)
      most.push(`${shareOf(model, B.uri)} % where ${allowed} % are allowed: ${trace.join(", ")}`);
    const go = (what: string, next: Partial<Point>) => open.push({ ...point, trace: [...trace, what], ...next });
    const controllers = stepsOf(model);
    for (const { says, next } of controllers) go(says, { model: next });
    if (dies && !isLowering) go("dies", { isLowering: true });
    if (collects && collected(model).revisions.length < model.revisions.length)
      go("former revisions are collected", { model: collected(model) });
    const goal = isLowering ? lower : script[at];
    if (goal === undefined) {
      if (controllers.length === 0) ends.set(JSON.stringify(model), model);
      continue;
    }
    const act = goal.next(model);
    // a share is in the journal before it is asked for
    const asked = Math.max(allowed, goal.percent);
    if (act.do === "patch") go(act.says, { model: patched(model, act.patch), allowed: asked });
    else if (act.do === "fail") go("fails", { isLowering: true });
    else if (act.do === "done")
      go(`${goal.goal} is done`, {
        at: isLowering ? script.length : at + 1,
        allowed: goal === lower ? 0 : asked,
        isLowering: false,
      });
    else if (controllers.length === 0)
      throw new Error(`nothing happens any more (${JSON.stringify(act)}): ${trace.join(", ")}`);
  }
  return { most, states: seen.size, ends: [...ends.values()] };
}

describe("a start", () => {
  test("is one patch: address, marks, a percent of 0, and the tags", () => {
    const act = nextToStage(stateOf(settled(newModel(FIRST))), A);
    expect(act).toMatchObject({
      do: "patch",
      what: "service",
      patch: {
        metadata: { annotations: { "serving.kserve.io/enable-tag-routing": "true" } },
        spec: {
          predictor: {
            canaryTrafficPercent: 0,
            model: { storageUri: A.uri },
            annotations: {
              "ml-release.dev/model": "digits@1.0.0",
              "ml-release.dev/former": JSON.stringify({ uri: FIRST, revision: "fraud-predictor-1" }),
            },
          },
        },
      },
    });
  });

  test("asks for a deadline only where Knative's own is shorter", () => {
    const model = settled(newModel(FIRST));
    const annotations = (readySeconds: number) => nextToStage(stateOf(model), { ...A, readySeconds });
    expect(annotations(600)).not.toMatchObject({ patch: { metadata: { annotations: DEADLINE } } });
    expect(annotations(1_200)).toMatchObject({ patch: { metadata: { annotations: DEADLINE } } });
    const longer = patched(model, { metadata: { annotations: { "serving.knative.dev/progress-deadline": "3600s" } } });
    expect(nextToStage(stateOf(longer), { ...A, readySeconds: 1_200 })).not.toMatchObject({
      patch: { metadata: { annotations: { "serving.knative.dev/progress-deadline": expect.anything() } } },
    });
  });

  test("has everything where nothing was ever up, and says so", () => {
    const act = nextToStage(stateOf(newModel(FIRST)), A);
    expect(act).toMatchObject({ do: "patch", patch: { spec: { predictor: { canaryTrafficPercent: 100 } } } });
  });

  test("of what has everything already changes nothing", () => {
    const model = released();
    expect(nextToStage(stateOf(model), A)).toEqual({ do: "done" });
    expect(nextToSplit(stateOf(model), A.model, 100)).toEqual({ do: "done" });
    expect(nextToSplit(stateOf(model), A.model, 10)).toMatchObject({ do: "fail", code: "REFUSED" });
  });

  test("leaves a canary alone that somebody else has begun", () => {
    const model = settled(
      patched(settled(newModel(FIRST)), {
        spec: { predictor: { canaryTrafficPercent: 20, model: { storageUri: "s3://theirs" } } },
      }),
    );
    expect(nextToStage(stateOf(model), A)).toMatchObject({ do: "fail", code: "CONFLICT" });
    expect(nextToLower(stateOf(model))).toEqual({ do: "done" });
  });
});

describe("what somebody else has changed", () => {
  const changed = patched(reached(released(), stage(B)), {
    spec: { predictor: { model: { storageUri: "s3://theirs" } } },
  });

  test.each<[string, Goal]>([
    ["a start", stage(B)],
    ["a share", split(10)],
    ["a promotion", promote],
    ["a way back", lower],
  ])("is a conflict for %s", (_, { next }) => {
    expect(next(changed)).toMatchObject({
      do: "fail",
      code: "CONFLICT",
      problem: { saw: "spec.predictor.model.storageUri s3://theirs" },
    });
  });
});

describe("the arms", () => {
  test("are stable alone, stable and candidate, and stable alone again", () => {
    const before = released();
    expect(knativeArms(stateOf(before))).toMatchObject({ stable: { model: A.model }, percent: 0 });
    const staged = reached(before, stage(B));
    expect(knativeArms(stateOf(staged))).toMatchObject({
      stable: { model: A.model },
      candidate: { model: B.model },
      percent: 0,
    });
    const full = reached(reached(staged, split(10)), split(100));
    expect(knativeArms(stateOf(full))).toMatchObject({
      stable: { model: A.model },
      candidate: { model: B.model },
      percent: 100,
    });
    expect(knativeArms(stateOf(reached(full, promote)))).toMatchObject({ stable: { model: B.model }, percent: 0 });
  });

  test("have no candidate once it was taken back", () => {
    const back = reached(reached(released(), stage(B)), lower);
    const marked = {
      ...back,
      revisions: back.revisions.map((one) => ({
        ...one,
        metadata: {
          ...one.metadata,
          annotations: {
            ...one.metadata.annotations,
            ...(one === back.revisions.at(-1) ? { "ml-release.dev/taken-back": "now" } : {}),
          },
        },
      })),
    };
    expect(knativeArms(stateOf(marked))).not.toHaveProperty("candidate");
    expect(knativeArms(stateOf(marked))).toMatchObject({ stable: { model: A.model } });
  });
});

describe("a way back", () => {
  test("loads the former model once more where its revision is gone", () => {
    const full = reached(reached(released(), stage(B)), split(100));
    expect(nextToLower(stateOf(collected(full)))).toMatchObject({
      do: "patch",
      patch: {
        spec: {
          predictor: {
            canaryTrafficPercent: 0,
            model: { storageUri: A.uri },
            annotations: {
              "ml-release.dev/model": "digits@1.0.0",
              "ml-release.dev/former": JSON.stringify({ uri: A.uri, model: A.model }),
              "ml-release.dev/commit": null,
            },
          },
        },
      },
    });
  });

  test("has nowhere to go from the first version that came up", () => {
    const first = reached(newModel(FIRST), stage(A));
    expect(nextToLower(stateOf(first))).toMatchObject({ do: "done", note: expect.stringContaining("is the first") });
  });
});

describe("serving without a rollout", () => {
  test("takes everything as soon as it is ready", () => {
    const model = reached(released(), { goal: "serve", percent: 100, next: (now) => nextToServe(stateOf(now), B) });
    expect(shareOf(model, B.uri)).toBe(100);
    expect(knativeArms(stateOf(model))).toMatchObject({ stable: { model: B.model }, percent: 0 });
  });

  test("adopts stable beside a candidate", () => {
    const staged = reached(released(), stage(B));
    expect(nextToServe(stateOf(staged), A)).toEqual({ do: "done" });
  });
});

const DEADLINE = { "serving.knative.dev/progress-deadline": "1200s" };

function wanted(version: string): WantedVersion {
  const digest = `sha256:${version.replaceAll(".", "").padEnd(64, "0")}` as const;
  return {
    model: { name: "digits", version, digest },
    uri: `s3://models/digits/${version}`,
    marks: { "ml-release.dev/commit": "abc" },
    readySeconds: 300,
  };
}
