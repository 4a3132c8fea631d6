import { describe, expect, test } from "vitest";
import { adviseRule, formatRule, readDenied } from "../../../../../actions/shared/clients/kubernetes/rbac-rule.ts";
import { refusalOf } from "../../../../../actions/shared/clients/kubernetes/refusal.ts";
import { parseStatus, type Status } from "../../../../../actions/shared/clients/kubernetes/status.ts";

const what = "the cluster prod (PATCH /apis/batch/v1/namespaces/ml/jobs/train)";
const status = (code: number, more: Partial<Status>): Status => ({
  kind: "Status",
  message: "",
  reason: "",
  code,
  ...more,
});
const said = (one: Status) => refusalOf(one, { what }).message;

describe("what RBAC does not allow", () => {
  test.for<[message: string, rule: string, where: string]>([
    [
      'pods "train-x" is forbidden: User "system:serviceaccount:ci:runner" cannot get resource "pods/log" in API group "" in the namespace "ml"',
      '- { apiGroups: [""], resources: ["pods/log"], verbs: ["get"] }',
      "a Role in namespace ml that is bound to the service account runner of namespace ci",
    ],
    [
      'trainjobs.trainer.kubeflow.org is forbidden: User "limited" cannot list resource "trainjobs" in API group "trainer.kubeflow.org" in the namespace "ml": RBAC: role.rbac.authorization.k8s.io "x" not found',
      '- { apiGroups: ["trainer.kubeflow.org"], resources: ["trainjobs"], verbs: ["list"] }',
      "a Role in namespace ml that is bound to the user limited",
    ],
    [
      'nodes is forbidden: User "limited" cannot watch resource "nodes" in API group "" at the cluster scope',
      '- { apiGroups: [""], resources: ["nodes"], verbs: ["watch"] }',
      "a ClusterRole that is bound to the user limited",
    ],
    [
      'forbidden: User "limited" cannot get path "/metrics"',
      '- { nonResourceURLs: ["/metrics"], verbs: ["get"] }',
      "a ClusterRole that is bound to the user limited",
    ],
  ])("names the rule to add: %s", ([message, rule, where]) => {
    const denied = readDenied(message);
    expect(denied && formatRule(denied.rule)).toBe(rule);
    expect(denied && adviseRule(denied)).toBe(`add to ${where}: ${rule}`);
    expect(said(status(403, { message }))).toBe(
      `[AUTH] ${what}: does not allow this (saw ${message}); add to ${where}: ${rule}`,
    );
  });

  test("is told from what a policy forbids", () => {
    const message =
      'pods "x" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=8, used: 0, limited: 4';
    expect(readDenied(message)).toBeUndefined();
    expect(said(status(403, { message }))).toMatch(/^\[REFUSED\] .*a policy of the cluster forbids this .*limited: 4/);
  });

  test("of nobody asks for credentials, not for a rule", () => {
    const message =
      'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "ml"';
    expect(said(status(403, { message }))).toMatch(/^\[AUTH\] .*was asked by nobody/);
  });
});

describe("a refusal of the API server", () => {
  const cause = (field: string, message: string, reason = "") => ({ field, message, reason });

  test("for fields that somebody else manages names each with its manager", () => {
    const causes = [
      cause(".spec.replicas", 'conflict with "kubectl" using apps/v1', "FieldManagerConflict"),
      cause(".spec.paused", 'conflict with "argo" using apps/v1', "FieldManagerConflict"),
    ];
    expect(
      said(status(409, { reason: "Conflict", message: "Apply failed with 2 conflicts", details: { causes } })),
    ).toBe(
      `[CONFLICT] ${what}: somebody else manages these fields (saw .spec.replicas: conflict with "kubectl" using apps/v1; .spec.paused: conflict with "argo" using apps/v1); let only one of them set the fields`,
    );
  });

  test.for<[string, Status, RegExp]>([
    [
      "a name that is taken",
      status(409, { reason: "AlreadyExists", message: 'jobs.batch "train" already exists' }),
      /^\[CONFLICT\] .*of this name already/,
    ],
    [
      "an old version",
      status(409, { reason: "Conflict", message: "the object has been modified" }),
      /^\[CONFLICT\] .*changed the object in between/,
    ],
    [
      "an expired list",
      status(410, { reason: "Expired", message: "too old resource version: 1 (7)" }),
      /^\[UNAVAILABLE\] .*too old resource version.*list again/,
    ],
    [
      "a missing kind",
      status(404, {
        reason: "NotFound",
        message: "the server could not find the requested resource",
        details: { causes: [] },
      }),
      /^\[NOT_FOUND\] .*does not serve this kind of object.*install the CRDs/,
    ],
    [
      "a missing object",
      status(404, {
        reason: "NotFound",
        message: 'jobs.batch "train" not found',
        details: { name: "train", causes: [] },
      }),
      /^\[NOT_FOUND\] .*has no such object \(saw jobs\.batch "train" not found\)$/,
    ],
    [
      "an undeclared field",
      status(500, { message: "failed to create typed patch object: .spec.replcas: field not declared in schema" }),
      /^\[CONFIG\] .*does not know a field.*\.spec\.replcas/,
    ],
    ["a fault of its own", status(500, { message: "etcdserver: request timed out" }), /^\[UNAVAILABLE\] .*etcdserver/],
    ["too many requests", status(429, { message: "too many requests" }), /^\[UNAVAILABLE\] .*429/],
    ["bad credentials", status(401, { message: "Unauthorized" }), /^\[AUTH\] .*refused the credentials/],
  ])("for %s", ([, one, wanted]) => {
    expect(said(one)).toMatch(wanted);
  });

  test("for wrong fields names each of them, five at most", () => {
    const causes = Array.from({ length: 7 }, (_, i) =>
      cause(`spec.steps[${i}]`, "must be positive", "FieldValueInvalid"),
    );
    const text = said(status(422, { message: "Job is invalid: …", details: { causes } }));
    expect(text).toMatch(
      /^\[CONFIG\] .*spec\.steps\[0\]: must be positive; .*spec\.steps\[4\]: must be positive; and 2 more\)/,
    );
  });

  test("is read from an answer's text, and nothing else is", () => {
    expect(parseStatus('{"kind":"Status","apiVersion":"v1","status":"Failure","code":403}')).toMatchObject({
      code: 403,
    });
    expect(parseStatus('{"code":5,"message":"not found"}')).toBeUndefined();
    expect(parseStatus("<html>")).toBeUndefined();
  });
});
