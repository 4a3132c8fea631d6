import type { Any, ControllerApi } from "./api.ts";
import { SOURCE } from "./pods.ts";
import type { Recorder } from "./world.ts";

export type Gateway = {
  /** One look at the routes of a namespace. */
  reconcile(world: Recorder, objects: GatewayObjects): Promise<void>;
};

export type GatewayObjects = {
  readonly routes: readonly Any[];
  readonly slices: readonly Any[];
  readonly pods: readonly Any[];
};

const SLOW_MS = 1_000;

/** Takes in what routes say, and tells what users then get. */
export function gateway(api: ControllerApi): Gateway {
  const inForce = new Map<string, Any>();
  const seen = new Map<string, { readonly generation: number; readonly atMs: number }>();
  return {
    async reconcile(world, { routes, slices, pods }) {
      for (const route of routes) {
        const { name, namespace, generation } = route.metadata;
        const key = `${namespace}/${name}`;
        const first = seen.get(key);
        if (first?.generation !== generation) seen.set(key, { generation, atMs: Date.now() });
        const isSlow = world.has("slow-gateway") && inForce.has(key);
        const isTakenIn = !isSlow || Date.now() - (seen.get(key)?.atMs ?? 0) >= SLOW_MS;
        if (isTakenIn) inForce.set(key, route.spec);
        const refs = inForce.get(key)?.rules[0]?.backendRefs ?? [];
        world.record(name, answering(world, refs, { slices, pods }));
        const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes/${name}`;
        if (isTakenIn) await api.status(path, statusOf(route));
      }
    },
  };
}

function statusOf({ spec, metadata }: Any): Any {
  const condition = (type: string) => ({
    type,
    status: "True",
    reason: type,
    message: "",
    observedGeneration: metadata.generation,
    lastTransitionTime: metadata.creationTimestamp,
  });
  const parents = spec.parentRefs.map((parentRef: Any) => ({
    parentRef,
    controllerName: "example.com/gateway",
    conditions: [condition("Accepted"), condition("ResolvedRefs")],
  }));
  return { parents };
}

/** A weight is of the pods that answer behind its Service; behind one without any are errors. */
function answering(
  world: Recorder,
  refs: readonly Any[],
  { slices, pods }: Pick<GatewayObjects, "slices" | "pods">,
): Readonly<Record<string, number>> {
  const sum = refs.reduce((total, { weight = 1 }) => total + weight, 0);
  const shares: Record<string, number> = {};
  for (const { name, weight = 1 } of refs) {
    const percent = sum === 0 ? 0 : (weight / sum) * 100;
    if (percent === 0) continue;
    const addresses = slices
      .filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === name)
      .flatMap(({ endpoints }) => endpoints ?? [])
      .filter(({ conditions }: Any) => conditions?.ready === true)
      .map(({ targetRef }: Any) => targetRef?.name);
    const uris = addresses.map(
      (pod: string) => pods.find(({ metadata }) => metadata.name === pod)?.metadata.annotations?.[SOURCE],
    );
    if (uris.length === 0) world.error(`${percent} % to ${name}, which has no pod that answers`);
    for (const uri of uris) shares[uri ?? "?"] = (shares[uri ?? "?"] ?? 0) + percent / uris.length;
  }
  return shares;
}
