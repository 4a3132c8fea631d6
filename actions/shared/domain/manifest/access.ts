import { KINDS, type Kind } from "./kinds.ts";

/** One thing that the client does with one kind of object. */
export type Access = {
  readonly group: string;
  /** The plural, with its subresource: `pods/log`. */
  readonly resource: string;
  readonly verbs: readonly string[];
  /** `cluster`: of no namespace, so that only a ClusterRole can allow it. */
  readonly scope: "namespace" | "cluster";
  /** `optional`: without it the run goes on, and `loss` says what is missing. */
  readonly need: "required" | "optional";
  readonly purpose: string;
  readonly loss?: string;
};

/** Everything that the manifest engine does for one kind: the Role that it needs, what it asks the access review for, and what a 403 names. */
export function accessOf({ group, plural, kind }: Pick<Kind, "group" | "plural" | "kind">): readonly Access[] {
  return [
    {
      group,
      resource: plural ?? "",
      // an apply that creates is authorised as both
      verbs: ["get", "list", "create", "patch"],
      scope: "namespace",
      need: "required",
      purpose: "apply the object, find it again, suspend it",
    },
    {
      group,
      resource: plural ?? "",
      verbs: ["delete"],
      scope: "namespace",
      need: "required",
      purpose: "end it where it cannot be suspended",
    },
    {
      group,
      resource: plural ?? "",
      verbs: ["watch"],
      scope: "namespace",
      need: "optional",
      purpose: "hear of every change at once",
      loss: "it is looked at in intervals instead",
    },
    ...PODS,
    ...(kind === "TrainJob" ? RUNTIMES : []),
    ...(kind === "Experiment" ? TRIALS : []),
    ...CAPACITY,
  ];
}

/** All of it, for the Role that is shipped: every kind of the table. */
export function allAccess(): readonly Access[] {
  const all = KINDS.flatMap((kind) => accessOf(kind));
  const key = (one: Access) => `${one.group}/${one.resource} ${one.verbs.join()}`;
  return [...new Map(all.map((one) => [key(one), one])).values()];
}

/** The rule that allows a verb, as it is written into a Role. */
export function formatRule(group: string, resource: string, verbs: readonly string[]): string {
  return `- { apiGroups: [${JSON.stringify(group)}], resources: [${resource}], verbs: [${verbs.join(", ")}] }`;
}

const PODS: readonly Access[] = [
  {
    group: "",
    resource: "pods",
    verbs: ["list"],
    scope: "namespace",
    need: "required",
    purpose: "say why a pod waits or failed, and see that none is left after a cancel",
  },
  {
    group: "",
    resource: "pods",
    verbs: ["watch"],
    scope: "namespace",
    need: "optional",
    purpose: "hear of every change at once",
    loss: "they are looked at in intervals instead",
  },
  {
    group: "",
    resource: "pods/log",
    verbs: ["get"],
    scope: "namespace",
    need: "optional",
    purpose: "show the end of a failed pod's log, and read metrics that pods print",
    loss: "logs are not shown, and metrics that pods print are not read",
  },
  {
    group: "",
    resource: "events",
    verbs: ["list"],
    scope: "namespace",
    need: "optional",
    purpose: "say why no pod could be made",
    loss: "a quota that keeps pods from being made is not named",
  },
];

const RUNTIMES: readonly Access[] = [
  {
    group: "trainer.kubeflow.org",
    resource: "trainingruntimes",
    verbs: ["get"],
    scope: "namespace",
    need: "optional",
    purpose: "check the runtime, and the GPUs that it asks for",
    loss: "the runtime is not checked",
  },
  {
    group: "trainer.kubeflow.org",
    resource: "clustertrainingruntimes",
    verbs: ["get"],
    scope: "cluster",
    need: "optional",
    purpose: "check the runtime, and the GPUs that it asks for",
    loss: "the runtime is not checked",
  },
];

const TRIALS: readonly Access[] = [
  {
    group: "kubeflow.org",
    resource: "trials",
    verbs: ["list"],
    scope: "namespace",
    need: "optional",
    purpose: "show every trial with its parameters and metrics",
    loss: "trials are not shown one by one",
  },
];

const CAPACITY: readonly Access[] = [
  {
    group: "",
    resource: "resourcequotas",
    verbs: ["list"],
    scope: "namespace",
    need: "optional",
    purpose: "check that the namespace may have that many GPUs",
    loss: "the namespace's quota is not checked",
  },
  {
    group: "",
    resource: "nodes",
    verbs: ["list"],
    scope: "cluster",
    need: "optional",
    purpose: "check that a node can hold the GPUs, and name their model",
    loss: "whether any node can hold the GPUs is not checked",
  },
];
