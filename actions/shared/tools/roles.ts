import { ROLLOUT_ACCESS } from "../clients/argo-rollouts/access.ts";
import { DEPLOYMENT_ACCESS } from "../clients/deployments/access.ts";
import { kserveAccess } from "../clients/kserve/access.ts";
import { GUARD_ACCESS } from "../clients/kubernetes/access.ts";
import { type Access, allAccess } from "../domain/manifest/access.ts";
import { KUBEFLOW_SERVICES } from "../domain/run/kubeflow-services.ts";

/** The account that the roles are bound to. Capitals are no name: whoever forgets to replace it is told so by the cluster. */
const NAMESPACE = "NAMESPACE";
const ACCOUNT = "ml-release";

/** What the actions need in a cluster, by file name: made from what their clients do there. */
export function roles(): ReadonlyMap<string, string> {
  const manifest = merged(allAccess());
  return new Map([
    [
      "run-pipeline-manifest.yaml",
      roleFile({
        name: "run-pipeline-manifest",
        scope: "namespace",
        purpose: "run-pipeline with a manifest (TrainJob, PyTorchJob, TFJob, Experiment, Job) in one namespace",
        rules: manifest.filter(({ scope }) => scope === "namespace").map(ruleOf),
      }),
    ],
    [
      "run-pipeline-manifest-cluster.yaml",
      roleFile({
        name: "run-pipeline-manifest",
        scope: "cluster",
        purpose: "run-pipeline with a manifest: what belongs to no namespace. All of it is optional",
        rules: manifest.filter(({ scope }) => scope === "cluster").map(ruleOf),
      }),
    ],
    [
      "run-pipeline-kubeflow.yaml",
      roleFile({
        name: "run-pipeline-kubeflow",
        scope: "namespace",
        example: "kubeflow",
        purpose: "run-pipeline on Kubeflow Pipelines through a kubeconfig, in the namespace of its services",
        rules: proxyRules(),
      }),
    ],
    ...TARGETS.map(({ name, purpose, access }) => {
      const all = merged([...access, ...GUARD_ACCESS].filter(({ scope }) => scope === "namespace"));
      const role = {
        name: `deploy-model-${name}`,
        scope: "namespace",
        example: "serving",
        rules: all.map(ruleOf),
      } as const;
      return [
        `deploy-model-${name}.yaml`,
        roleFile({ ...role, purpose: `deploy-model with ${purpose} in one namespace` }),
      ] as const;
    }),
    [
      "deploy-model-cluster.yaml",
      roleFile({
        name: "deploy-model",
        scope: "cluster",
        example: "serving",
        purpose: "deploy-model on a cluster: what belongs to no namespace. All of it is optional",
        rules: merged(clusterAccess()).map(ruleOf),
      }),
    ],
  ]);
}

/** What deploy-model changes, by target. */
const TARGETS: readonly { readonly name: string; readonly purpose: string; readonly access: readonly Access[] }[] = [
  { name: "deployment", purpose: "target deployment/NAME", access: DEPLOYMENT_ACCESS },
  { name: "kserve", purpose: "target kserve/NAME, in both modes of KServe,", access: kserveAccess() },
  { name: "rollout", purpose: "target rollout/NAME (Argo Rollouts)", access: ROLLOUT_ACCESS },
];

function clusterAccess(): readonly Access[] {
  const all = [...TARGETS.flatMap(({ access }) => access), ...GUARD_ACCESS];
  return all.filter(({ scope }) => scope === "cluster");
}

type Rule = {
  readonly why: readonly string[];
  readonly group: string;
  readonly resources: readonly string[];
  readonly names?: readonly string[];
  readonly verbs: readonly string[];
};

function ruleOf({ group, resources, verbs, need, purpose, loss }: MergedAccess): Rule {
  const why = need === "required" ? [purpose] : [purpose, `optional: ${loss ?? "the run goes on without"}`];
  return { why, group, resources, verbs };
}

function proxyRules(): readonly Rule[] {
  const names = Object.values(KUBEFLOW_SERVICES).map(({ name, port }) => `${name}:${port}`);
  const proxy = { group: "", resources: ["services/proxy"] };
  return [
    { ...proxy, names, verbs: ["get", "create"], why: ["ask and post: pipelines, runs, metadata"] },
    {
      ...proxy,
      names: names.slice(0, 1),
      verbs: ["delete"],
      why: ["remove old versions", "optional: only keep-versions needs it"],
    },
  ];
}

type MergedAccess = Omit<Access, "resource"> & { readonly resources: readonly string[] };

/** What differs in nothing but the resource is one rule. */
function merged(all: readonly Access[]): readonly MergedAccess[] {
  const groups = Map.groupBy(all, ({ resource: _, ...rest }) => JSON.stringify(rest));
  return [...groups.values()].map((alike) => ({
    ...(alike[0] as Access),
    resources: [...new Set(alike.map(({ resource }) => resource))],
  }));
}

type RoleFile = {
  readonly name: string;
  readonly scope: "namespace" | "cluster";
  readonly purpose: string;
  /** A namespace, for the command that applies it. */
  readonly example?: string;
  readonly rules: readonly Rule[];
};

function roleFile({ name, scope, purpose, example = "training", rules }: RoleFile): string {
  const prefix = scope === "cluster" ? "Cluster" : "";
  const place = scope === "cluster" ? "" : `, namespace: ${NAMESPACE}`;
  const file = `roles/${name}${scope === "cluster" ? "-cluster" : ""}.yaml`;
  return `# Generated by \`make generate\` from what the client does. For ${purpose}.
#
#   sed s/${NAMESPACE}/${example}/g ${file} | kubectl apply -f -
#
# It is bound to the service account ${ACCOUNT} of that namespace (kubectl -n ${example} create serviceaccount ${ACCOUNT});
# another account, a user or a group can stand under subjects instead.
apiVersion: rbac.authorization.k8s.io/v1
kind: ${prefix}Role
metadata: { name: ml-release-${name}${place} }
rules:
${rules.map(formatRule).join("")}---
apiVersion: rbac.authorization.k8s.io/v1
kind: ${prefix}RoleBinding
metadata: { name: ml-release-${name}${scope === "cluster" ? `-${NAMESPACE}` : place} }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ${prefix}Role, name: ml-release-${name} }
subjects:
  - { kind: ServiceAccount, name: ${ACCOUNT}, namespace: ${NAMESPACE} }
`;
}

function formatRule({ why, group, resources, names, verbs }: Rule): string {
  const list = (texts: readonly string[]) => `[${texts.map((text) => JSON.stringify(text)).join(", ")}]`;
  const named = names === undefined ? "" : `\n    resourceNames: ${list(names)}`;
  return `${why.map((line) => `  # ${line}\n`).join("")}  - apiGroups: ${list([group])}
    resources: ${list(resources)}${named}
    verbs: ${list(verbs)}
`;
}
