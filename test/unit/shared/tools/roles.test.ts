import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { ROLLOUT_ACCESS } from "../../../../actions/shared/clients/argo-rollouts/access.ts";
import { DEPLOYMENT_ACCESS } from "../../../../actions/shared/clients/deployments/access.ts";
import { kserveAccess } from "../../../../actions/shared/clients/kserve/access.ts";
import { GUARD_ACCESS } from "../../../../actions/shared/clients/kubernetes/access.ts";
import { allAccess } from "../../../../actions/shared/domain/manifest/access.ts";
import { roles } from "../../../../actions/shared/tools/roles.ts";

type Rule = { readonly apiGroups: readonly string[]; readonly resources: readonly string[]; readonly verbs: string[] };

describe("the roles that are shipped", () => {
  const files = roles();
  const documents = (name: string) => parseAllDocuments(files.get(name) ?? "").map((document) => document.toJS());
  const rulesOf = (name: string): readonly Rule[] => documents(name)[0].rules;
  const flat = (rules: readonly Rule[]) =>
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
      ),
    );
  const wanted = (scope: "namespace" | "cluster") =>
    allAccess()
      .filter((access) => access.scope === scope)
      .flatMap(({ group, resource, verbs }) => verbs.map((verb) => `${verb} ${group}/${resource}`));

  test.each([
    ["namespace", "run-pipeline-manifest.yaml"],
    ["cluster", "run-pipeline-manifest-cluster.yaml"],
  ] as const)("of scope %s allow just what the client does", (scope, file) => {
    expect(flat(rulesOf(file)).toSorted()).toEqual(wanted(scope).toSorted());
  });

  test.each([
    ["deployment", DEPLOYMENT_ACCESS],
    ["kserve", kserveAccess()],
    ["rollout", ROLLOUT_ACCESS],
  ])("of deploy-model for %s allow what is done to it, and what guards it, and nothing else", (target, access) => {
    const all = [...access, ...GUARD_ACCESS];
    const verbs = new Set(
      all
        .filter(({ scope }) => scope === "namespace")
        .flatMap(({ group, resource, verbs: may }) => may.map((verb) => `${verb} ${group}/${resource}`)),
    );
    expect(new Set(flat(rulesOf(`deploy-model-${target}.yaml`)))).toEqual(verbs);
  });

  test("of deploy-model allow no secrets, and nothing that is not named", () => {
    for (const name of ["deployment", "kserve", "rollout", "cluster"]) {
      const allowed = flat(rulesOf(`deploy-model-${name}.yaml`));
      expect(allowed.filter((rule) => /secrets|\*/.test(rule))).toEqual([]);
    }
  });

  test("name the services that are reached, and no other", () => {
    const named = documents("run-pipeline-kubeflow.yaml")[0].rules.map(
      (rule: { resourceNames: unknown }) => rule.resourceNames,
    );
    expect(named).toEqual([["ml-pipeline:http", "metadata-envoy-service:md-envoy"], ["ml-pipeline:http"]]);
  });

  test.each([...files.keys()])("%s is a role, and its binding to an account of a namespace to be named", (name) => {
    const [role, binding] = documents(name);
    expect(binding.roleRef).toEqual({
      apiGroup: "rbac.authorization.k8s.io",
      kind: role.kind,
      name: role.metadata.name,
    });
    expect(binding.subjects).toEqual([{ kind: "ServiceAccount", name: "ml-release", namespace: "NAMESPACE" }]);
  });
});
