import { expect, it } from "vitest";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";
import { formatProblem } from "../../../../../actions/shared/domain/problem.ts";
import { deploymentProblems } from "../../../../../actions/shared/domain/serving/deployment-problems.ts";
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
