import type { Any } from "./api.ts";
import type { WorldOptions } from "./world.ts";

export const SOURCE = "internal.serving.kserve.io/storage-initializer-sourceuri";

export type PodWish = {
  readonly isvc: string;
  readonly uri: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
};

/** What a predictor's pods are: one container that serves, and one before it that fetches the model. */
export function podTemplate({ plays = {} }: WorldOptions, { isvc, uri, annotations, labels }: PodWish): Any {
  return {
    metadata: {
      labels: { "serving.kserve.io/inferenceservice": isvc, component: "predictor", ...labels },
      annotations: { ...annotations, [SOURCE]: uri, ...plays[uri] },
    },
    spec: {
      initContainers: [
        { name: "storage-initializer", image: "registry.test/storage-initializer:1", args: [uri, "/mnt/models"] },
      ],
      containers: [{ name: "kserve-container", image: "registry.test/runtime:1" }],
    },
  };
}

export function deployment(
  {
    name,
    replicas,
    owner,
    template,
    strategy,
  }: {
    readonly name: string;
    readonly replicas: number;
    readonly owner: Any;
    readonly template: Any;
    readonly strategy?: Any;
  },
  selector: Readonly<Record<string, string>>,
): Any {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, ownerReferences: [owner] },
    spec: { replicas, selector: { matchLabels: selector }, template, ...(strategy === undefined ? {} : { strategy }) },
  };
}

export function service(
  { name, owner, uri }: { readonly name: string; readonly owner: Any; readonly uri: string },
  selector: Readonly<Record<string, string>>,
  { ports = {} }: WorldOptions,
): Any {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, ownerReferences: [owner] },
    spec: { selector, ports: [{ name: "http", port: 80, targetPort: ports[uri] ?? 8080 }] },
  };
}

export function ownerOf(object: Any): Any {
  const { apiVersion, kind, metadata } = object;
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
}

/** Annotations of an InferenceService that go on to what is made from it: all but what tells others how to apply it. */
export function handedOn(isvc: Any): Readonly<Record<string, string>> {
  const { metadata, spec } = isvc;
  const own = Object.entries({ ...metadata.annotations, ...spec.predictor.annotations } as Record<string, string>);
  return Object.fromEntries(own.filter(([key]) => !key.startsWith("kubectl.kubernetes.io/")));
}

/** `why`: reason, and what is said of it. */
export function condition(type: string, status: boolean | undefined, why: readonly [string, string] | [] = []): Any {
  const [reason = "", message = ""] = why;
  return { type, status: status === undefined ? "Unknown" : status ? "True" : "False", reason, message };
}
