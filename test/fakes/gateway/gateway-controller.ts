import type { KubeApi, KubeObject } from "../../support/cluster/api.ts";

/** A small controller of the Gateway API: it says of each HTTPRoute of a namespace what a gateway's own would. */
export type GatewayController = {
  /** It goes on from what it missed. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
};

export type GatewayOptions = {
  readonly api: KubeApi;
  readonly namespace: string;
  /** How long it takes to see a change. */
  readonly delayMs?: number;
  /** Puts routes in force, before their status says so. */
  readonly program?: (routes: readonly KubeObject[]) => Promise<void>;
};

const LOOK_MS = 150;

/** Accepts every route of the namespace for every gateway that it names; `ResolvedRefs` is true where all its services exist. */
export function startGatewayController({ api, namespace, delayMs = 0, program }: GatewayOptions): GatewayController {
  const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`;
  let isPaused = false;
  let isStopped = false;
  const seenAt = new Map<string, number>();

  const reconcile = async (): Promise<void> => {
    const { items } = await api.get(path);
    await program?.(items);
    for (const route of items as readonly KubeObject[]) {
      const key = `${route.metadata.name} ${generationOf(route)}`;
      seenAt.set(key, seenAt.get(key) ?? Date.now());
      if (Date.now() - (seenAt.get(key) ?? 0) < delayMs) continue;
      const parents = await statusOf(route);
      if (isSame(route.status?.parents, parents)) continue;
      await api.send(`${path}/${route.metadata.name}/status`, {
        method: "PATCH",
        contentType: "application/merge-patch+json",
        body: { metadata: { resourceVersion: route.metadata.resourceVersion }, status: { parents } },
      });
    }
  };

  const statusOf = async (route: KubeObject): Promise<readonly Parent[]> => {
    const missing: string[] = [];
    for (const rule of route.spec.rules ?? [])
      for (const ref of rule.backendRefs ?? []) {
        const service = `/api/v1/namespaces/${ref.namespace ?? namespace}/services/${ref.name}`;
        if ((await api.send(service)).status !== 200) missing.push(ref.name);
      }
    const observedGeneration = generationOf(route);
    const stamp = { observedGeneration, lastTransitionTime: new Date(0).toISOString().replace(".000", "") };
    const resolved =
      missing.length === 0
        ? { status: "True", reason: "ResolvedRefs", message: "" }
        : { status: "False", reason: "BackendNotFound", message: `service ${missing.join(", ")} not found` };
    return (route.spec.parentRefs ?? []).map((parentRef: object) => ({
      controllerName: "gateway.test/controller",
      parentRef,
      conditions: [
        { type: "Accepted", status: "True", reason: "Accepted", message: "", ...stamp },
        { type: "ResolvedRefs", ...resolved, ...stamp },
      ],
    }));
  };

  const loop = (async () => {
    while (!isStopped) {
      // what the cluster cannot answer now, it is asked again
      if (!isPaused) await reconcile().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  })();

  return {
    pause: () => {
      isPaused = true;
    },
    resume: () => {
      isPaused = false;
    },
    stop: async () => {
      isStopped = true;
      await loop;
    },
  };
}

function generationOf({ metadata }: KubeObject): number {
  return (metadata as { readonly generation?: number }).generation ?? 0;
}

type Parent = { readonly conditions: readonly { readonly type: string; readonly status: string }[] };

function isSame(before: readonly Parent[] | undefined, after: readonly Parent[]): boolean {
  const words = (parents: readonly Parent[]) => JSON.stringify(parents.map(({ conditions }) => conditions.map(facts)));
  return before !== undefined && words(before) === words(after);
}

function facts(condition: object): readonly unknown[] {
  const { type, status, reason, observedGeneration } = condition as Readonly<Record<string, unknown>>;
  return [type, status, reason, observedGeneration];
}
