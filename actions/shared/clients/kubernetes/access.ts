import type { Access } from "../../domain/manifest/access.ts";

/** What is done with pods while something is waited for that is made of them. */
export const POD_ACCESS: readonly Access[] = [
  {
    group: "",
    resource: "pods",
    verbs: ["list"],
    scope: "namespace",
    need: "required",
    purpose: "say why a pod does not start, or why it failed",
  },
  {
    group: "",
    resource: "pods/log",
    verbs: ["get"],
    scope: "namespace",
    need: "optional",
    purpose: "show the end of a failed pod's log",
    loss: "logs are not shown",
  },
  {
    group: "",
    resource: "events",
    verbs: ["list"],
    scope: "namespace",
    need: "optional",
    purpose: "say why a pod that has a node does not start",
    loss: "a volume or secret that does not come is not named",
  },
];

/** What a wait for a Deployment reads. */
export const ROLLOUT_STATUS_ACCESS: readonly Access[] = [
  {
    group: "apps",
    resource: "deployments",
    verbs: ["get"],
    scope: "namespace",
    need: "required",
    purpose: "see how far it is",
  },
  {
    group: "apps",
    resource: "replicasets",
    verbs: ["list"],
    scope: "namespace",
    need: "optional",
    purpose: "tell the pods of the new template from those of the former",
    loss: "a failing pod of the former template is taken for one of the new",
  },
  ...POD_ACCESS,
];

/** Whether anybody answers behind a service. */
export const ENDPOINTS_ACCESS: readonly Access[] = [
  {
    group: "discovery.k8s.io",
    resource: "endpointslices",
    verbs: ["list"],
    scope: "namespace",
    need: "required",
    purpose: "see that the candidate's service has ready pods before it gets traffic",
  },
];

/** What keeps rollouts apart. */
export const LEASE_ACCESS: readonly Access[] = [
  {
    group: "coordination.k8s.io",
    resource: "leases",
    verbs: ["get", "create", "patch"],
    scope: "namespace",
    need: "required",
    purpose: "see to it that one rollout at a time changes the target",
  },
];

/** What a rollout is about to do. */
export const JOURNAL_ACCESS: readonly Access[] = [
  {
    group: "",
    resource: "configmaps",
    verbs: ["get", "create", "patch"],
    scope: "namespace",
    need: "required",
    purpose: "write down what a rollout is about to do, before it does it",
  },
  {
    group: "",
    resource: "configmaps",
    verbs: ["delete"],
    scope: "namespace",
    need: "optional",
    purpose: "remove what a long rollout has written when the next one begins",
    loss: "looks of a rollout of many hours stay where they are",
  },
];

/** What people see at the object. */
export const EVENTS_ACCESS: readonly Access[] = [
  {
    group: "events.k8s.io",
    resource: "events",
    verbs: ["create", "get", "patch"],
    scope: "namespace",
    need: "optional",
    purpose: "tell what a rollout does as events of what it rolls out",
    loss: "kubectl describe does not show it",
  },
];

/** Room for a candidate. */
export const CAPACITY_ACCESS: readonly Access[] = [
  {
    group: "",
    resource: "resourcequotas",
    verbs: ["list"],
    scope: "namespace",
    need: "optional",
    purpose: "check that the namespace may have the pods of a candidate",
    loss: "the namespace's quota is not checked",
  },
  {
    group: "",
    resource: "nodes",
    verbs: ["list"],
    scope: "cluster",
    need: "optional",
    purpose: "check that nodes have room for a candidate",
    loss: "room on nodes is not checked",
  },
  {
    group: "",
    resource: "pods",
    verbs: ["list"],
    scope: "cluster",
    need: "optional",
    purpose: "see what the pods of all namespaces hold of the nodes",
    loss: "room on nodes is not checked",
  },
];

/** Whether pods can read the model. */
export const STORAGE_ACCESS: readonly Access[] = [
  {
    group: "",
    resource: "serviceaccounts",
    verbs: ["get"],
    scope: "namespace",
    need: "optional",
    purpose: "see that the pods can read where the model lies",
    loss: "whether the pods may read the model's address is not checked",
  },
];

/** What every target is guarded by, and told with. */
export const GUARD_ACCESS: readonly Access[] = [...LEASE_ACCESS, ...JOURNAL_ACCESS, ...EVENTS_ACCESS];
