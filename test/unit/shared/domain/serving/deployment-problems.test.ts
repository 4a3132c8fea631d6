import { expect, it } from "vitest";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";
import { formatProblem } from "../../../../../actions/shared/domain/problem.ts";
import {
  deploymentProblems,
  podShareProblems,
} from "../../../../../actions/shared/domain/serving/deployment-problems.ts";
import { simulatedDeployment } from "../../../../support/simulated-deployment.ts";

type Edit = Parameters<ReturnType<typeof simulatedDeployment>["edit"]>[0];

const owner =
  (kind: string): Edit =>
  (objects) => {
    const metadata = objects.stable.metadata as KubeObject;
    const ownerReferences = [{ kind, name: "fraud", controller: true }];
    objects.stable = { ...objects.stable, metadata: { ...metadata, ownerReferences } };
  };
const spec =
  (more: KubeObject): Edit =>
  (objects) => {
    objects.stable = { ...objects.stable, spec: { ...(objects.stable.spec as KubeObject), ...more } };
  };
const backends =
  (...refs: readonly KubeObject[]): Edit =>
  (objects) => {
    objects.routes = (objects.routes ?? []).map((route) => ({
      ...route,
      spec: { ...(route.spec as KubeObject), rules: [{ backendRefs: refs }] },
    }));
  };

it.each<[string, Edit, string]>([
  ["a Deployment that an InferenceService makes", owner("InferenceService"), "set target: kserve/fraud"],
  ["a Deployment that something else makes", owner("Operator"), "it is owned by Operator fraud"],
  ["a paused Deployment", spec({ paused: true }), "kubectl rollout resume"],
  ["a Deployment without pods", spec({ replicas: 0 }), "saw replicas: 0"],
  ["a selector of expressions only", spec({ selector: {} }), "only expressions"],
  [
    "a rule that another backend has a part of",
    backends({ name: "fraud", port: 80, weight: 9 }, { name: "old", port: 80, weight: 1 }),
    "saw fraud 9, old 1",
  ],
  [
    "weights that do not add up",
    backends({ name: "fraud", port: 80, weight: 0 }),
    "must add up to more than 0 (saw fraud 0)",
  ],
])("finds %s before anything is started", (_, edit, said) => {
  const world = simulatedDeployment();
  expect(deploymentProblems(world.objects(), world.state())).toEqual([]);
  world.edit(edit);
  const problems = deploymentProblems(world.objects(), world.state());
  expect(problems.map(formatProblem).join()).toContain(said);
});

it.each([
  ["the only pod", { replicas: 1 }, "replicas: 1"],
  ["a pod where pods make the share", { routes: [], replicas: 3 }, "no HTTPRoute with a backendRef to fraud"],
])("does not lend %s", (_, options, said) => {
  const world = simulatedDeployment(options);
  expect(deploymentProblems(world.objects(), world.state(), "extra")).toEqual([]);
  const problems = deploymentProblems(world.objects(), world.state(), "borrow");
  expect(problems.map(formatProblem)).toEqual([expect.stringContaining(said)]);
});

it("tells which shares no number of pods makes, and none where requests are split", () => {
  const shares = [0.05, 0.25, 0.5];
  const [odd, ...others] = podShareProblems(shares, simulatedDeployment({ routes: [], replicas: 3 }).state());
  expect([odd, others]).toMatchObject([{ saw: "5 % beside 3 pods of stable", allowed: "25 % or more" }, []]);
  expect(podShareProblems(shares, simulatedDeployment({ replicas: 3 }).state())).toEqual([]);
});
