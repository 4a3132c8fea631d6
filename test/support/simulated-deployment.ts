import type { Json } from "../../actions/shared/domain/canonical.ts";
import type { KubeObject } from "../../actions/shared/domain/manifest/object.ts";
import type { ServedModel } from "../../actions/shared/domain/rollout/journal-entry.ts";
import type { VersionId } from "../../actions/shared/domain/rollout/same-version.ts";
import {
  type DeploymentAct,
  type DeploymentGoal,
  type DeploymentState,
  nextAct,
  shareInForce,
} from "../../actions/shared/domain/serving/deployment.ts";
import {
  changeOf,
  type DeploymentChange,
  type VersionWish,
} from "../../actions/shared/domain/serving/deployment-change.ts";
import type { RouteOperation } from "../../actions/shared/domain/serving/http-route.ts";
import { type DeploymentObjects, deploymentState } from "../../actions/shared/domain/serving/read-deployment.ts";
import { hashText } from "../../actions/shared/lib/hash.ts";
import {
  type FraudOptions,
  fraud,
  fraudAutoscaler,
  fraudDeployment,
  fraudRoute,
  fraudService,
} from "./deployment-target.ts";

export type SimulatedOptions = FraudOptions & {
  readonly routes?: readonly string[];
  readonly autoscaler?: { readonly min: number; readonly max: number };
};

export type SimulatedDeployment = {
  state(): DeploymentState;
  objects(): DeploymentObjects;
  /** Goes on until it is done, or until so many writes were made; gives the acts. */
  run(goal: DeploymentGoal, limits?: { readonly writes?: number }): readonly DeploymentAct[];
  /** The share after each write so far. */
  readonly shares: readonly number[];
  /** How many pods both versions ask for together, after each write so far. */
  readonly sizes: readonly number[];
  edit(change: (objects: Writable) => void): void;
};

type Writable = { -readonly [Key in keyof DeploymentObjects]: DeploymentObjects[Key] };

const NAMES = { stable: "fraud", candidate: "fraud-candidate", namespace: "ml" };

/** The objects of a rollout in memory. Controllers do their work whenever something is waited for. */
export function simulatedDeployment({
  routes = ["fraud"],
  autoscaler,
  ...deployment
}: SimulatedOptions = {}): SimulatedDeployment {
  const parse = (text: string): KubeObject => JSON.parse(text) as KubeObject;
  const objects: Writable = {
    stable: parse(fraudDeployment(deployment)),
    candidate: undefined,
    service: parse(fraudService()),
    candidateService: undefined,
    routes: routes.map((name) => parse(fraudRoute(name))),
    autoscaler: autoscaler === undefined ? undefined : parse(fraudAutoscaler(autoscaler)),
    slices: [],
    pods: [],
  };
  const shares: number[] = [];
  const sizes: number[] = [];
  const state = () => deploymentState(objects, NAMES, hashText);
  settle(objects);
  return {
    state,
    objects: () => objects,
    shares,
    sizes,
    edit: (change) => change(objects),
    run: (goal, { writes = Number.POSITIVE_INFINITY } = {}) => {
      const acts: DeploymentAct[] = [];
      let left = writes;
      let isDrained = false;
      for (let turn = 0; turn < 200; turn++) {
        const act = nextAct(goal, state(), { isDrained });
        acts.push(act);
        switch (act.do) {
          case "done":
          case "refuse":
            return acts;
          case "drain":
            isDrained = true;
            break;
          case "wait-rollout":
          case "wait-endpoints":
          case "wait-routes":
          case "wait-pods-gone":
            settle(objects);
            break;
          default: {
            if (left-- <= 0) return acts;
            carryOut(
              objects,
              changeOf(act, objects, goal.goal === "stage" || goal.goal === "roll" ? wishOf(goal) : undefined),
            );
            shares.push(shareInForce(state()));
            sizes.push(replicasOf(objects.stable) + replicasOf(objects.candidate));
            if (act.do === "patch-route" || act.do === "unpin-service") isDrained = false;
          }
        }
      }
      throw new Error(`${goal.goal} comes to no end: ${acts.map((act) => act.do).join(", ")}`);
    },
  };
}

function wishOf(goal: { readonly goal: "stage" | "roll"; readonly model: VersionId }): VersionWish {
  const model = { ...fraud("1"), ...goal.model } as ServedModel;
  return {
    version: {
      model,
      uri: `s3://models/fraud/${model.version}`,
      image: `registry.test/server@${model.digest}`,
      marks: {},
    },
    container: "server",
    strategy: goal.goal === "stage" ? "canary" : "recreate",
    hash: hashText,
  };
}

function carryOut(objects: Writable, change: DeploymentChange): void {
  const slot = slotOf(objects, change);
  switch (change.do) {
    case "create":
      slot.set({ ...change.object, status: {} });
      return;
    case "delete":
      slot.set(undefined);
      if (change.kind === "deployment") objects.pods = [];
      return;
    case "patch":
      slot.set(bumped(patched(slot.get() ?? {}, change.operations)));
  }
}

type Slot = { get(): KubeObject | undefined; set(object: KubeObject | undefined): void };

function slotOf(objects: Writable, { kind, name }: DeploymentChange): Slot {
  const among = (key: "routes" | "pods"): Slot => ({
    get: () => objects[key]?.find((one) => nameOf(one) === name),
    set: (object) => {
      objects[key] = (objects[key] ?? []).map((one) => (nameOf(one) === name && object !== undefined ? object : one));
    },
  });
  const own = (key: "stable" | "candidate" | "service" | "candidateService" | "autoscaler"): Slot => ({
    get: () => objects[key],
    set: (object) => {
      objects[key] = object as never;
    },
  });
  switch (kind) {
    case "deployment":
      return own(name === "fraud" ? "stable" : "candidate");
    case "service":
      return own(name === "fraud" ? "service" : "candidateService");
    case "route":
      return among("routes");
    case "pod":
      return among("pods");
    case "autoscaler":
      return own("autoscaler");
  }
}

/** RFC 6902, as far as it is used. Throws where a test fails. */
function patched(object: KubeObject, operations: readonly RouteOperation[]): KubeObject {
  const result = structuredClone(object) as Record<string, Json>;
  for (const operation of operations) {
    const keys = operation.path
      .split("/")
      .slice(1)
      .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = keys.pop() ?? "";
    const parent = keys.reduce<Record<string, Json>>((now, key) => now[key] as Record<string, Json>, result);
    switch (operation.op) {
      case "test":
        if (JSON.stringify(parent[last]) !== JSON.stringify(operation.value))
          throw new Error(`test of ${operation.path} failed: ${JSON.stringify(parent[last])}`);
        break;
      case "remove":
        if (!(last in parent)) throw new Error(`nothing at ${operation.path}`);
        delete parent[last];
        break;
      default:
        parent[last] = structuredClone(operation.value);
    }
  }
  return result;
}

function bumped(object: KubeObject): KubeObject {
  const metadata = (object.metadata ?? {}) as KubeObject;
  return { ...object, metadata: { ...metadata, generation: Number(metadata.generation ?? 1) + 1 } };
}

/** What the controllers would come to. An autoscaler leaves alone what lies between its bounds. */
function settle(objects: Writable): void {
  objects.stable = rolledOut(withinBounds(objects.stable, objects.autoscaler));
  if (objects.candidate !== undefined) objects.candidate = rolledOut(objects.candidate);
  objects.pods = podsOf(objects);
  objects.slices = [
    { endpoints: objects.pods.map((pod) => ({ conditions: { ready: true }, targetRef: { name: nameOf(pod) } })) },
  ];
  objects.routes = (objects.routes ?? []).map(accepted);
}

function withinBounds(stable: KubeObject, autoscaler: KubeObject | undefined): KubeObject {
  if (autoscaler === undefined) return stable;
  const { minReplicas, maxReplicas } = autoscaler.spec as {
    readonly minReplicas: number;
    readonly maxReplicas: number;
  };
  const replicas = Math.min(maxReplicas, Math.max(minReplicas, replicasOf(stable)));
  return { ...stable, spec: { ...(stable.spec as KubeObject), replicas } };
}

function replicasOf(deployment: KubeObject | undefined): number {
  return deployment === undefined ? 0 : Number((deployment.spec as KubeObject).replicas ?? 1);
}

function rolledOut(deployment: KubeObject): KubeObject {
  const replicas = Number((deployment.spec as KubeObject).replicas ?? 1);
  const observedGeneration = Number((deployment.metadata as KubeObject).generation ?? 1);
  const status = {
    observedGeneration,
    replicas,
    updatedReplicas: replicas,
    availableReplicas: replicas,
    readyReplicas: replicas,
  };
  return { ...deployment, status };
}

/** Pods that are there stay as they are; those that are missing come with the template's labels. */
function podsOf({ candidate, pods }: Writable): readonly KubeObject[] {
  if (candidate === undefined) return [];
  const spec = candidate.spec as { readonly replicas: number; readonly template: KubeObject };
  return Array.from({ length: spec.replicas }, (_, i) => {
    const name = `fraud-candidate-${i}`;
    const known = pods.find((pod) => nameOf(pod) === name);
    if (known !== undefined) return known;
    const { labels } = spec.template.metadata as { readonly labels: KubeObject };
    return { metadata: { name, labels }, status: { conditions: [{ type: "Ready", status: "True" }] } };
  });
}

function accepted(route: KubeObject): KubeObject {
  const observedGeneration = Number((route.metadata as KubeObject).generation ?? 1);
  const conditions = ["Accepted", "ResolvedRefs"].map((type) => ({ type, status: "True", observedGeneration }));
  return { ...route, status: { parents: [{ parentRef: { name: "edge" }, conditions }] } };
}

function nameOf(object: KubeObject): string {
  return String((object.metadata as KubeObject).name);
}
