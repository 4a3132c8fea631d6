import * as v from "valibot";
import type { Access } from "../../domain/manifest/access.ts";
import { formatProblem } from "../../domain/problem.ts";
import { decode } from "../../lib/decode.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { KubeConnection } from "./connection.ts";
import { serviceOf } from "./objects.ts";

/** What the account may not do, verb by verb; `unknown` where the cluster does not answer such questions. */
export type Review =
  | { readonly state: "answered"; readonly denied: readonly Denied[] }
  | { readonly state: "unknown"; readonly why: string };

export type Denied = { readonly access: Access; readonly verbs: readonly string[]; readonly why?: string };

const ReviewSchema = v.looseObject({
  status: v.looseObject({
    allowed: v.boolean(),
    reason: v.optional(v.string()),
    evaluationError: v.optional(v.string()),
  }),
});

/** Asks the cluster for each verb (SelfSubjectAccessReview): nothing is changed by it, and every authenticated account may ask. */
export async function reviewAccess(
  connection: KubeConnection,
  wanted: readonly Access[],
  namespace: string,
): Promise<Review> {
  try {
    const answered = await Promise.all(
      wanted.map(async (access) => {
        const reviews = await Promise.all(
          access.verbs.map((verb) => reviewVerb(connection, access, { verb, namespace })),
        );
        const denied = reviews.filter(({ allowed }) => !allowed);
        const why = denied.find(({ reason }) => reason !== undefined && reason !== "")?.reason;
        return { access, verbs: denied.map(({ verb }) => verb), ...(why === undefined ? {} : { why }) };
      }),
    );
    return { state: "answered", denied: answered.filter(({ verbs }) => verbs.length > 0) };
  } catch (error) {
    if (!isReleaseError(error, "NOT_FOUND", "PROTOCOL", "REFUSED")) throw error;
    return { state: "unknown", why: error.problems.map(formatProblem).join("; ") };
  }
}

type Reviewed = { readonly verb: string; readonly allowed: boolean; readonly reason?: string | undefined };

async function reviewVerb(
  connection: KubeConnection,
  { group, resource, scope }: Access,
  { verb, namespace }: { readonly verb: string; readonly namespace: string },
): Promise<Reviewed> {
  const [name, subresource] = resource.split("/");
  const resourceAttributes = {
    verb,
    group,
    resource: name,
    ...(subresource === undefined ? {} : { subresource }),
    ...(scope === "namespace" ? { namespace } : {}),
  };
  const answer = await connection.send({
    service: serviceOf(connection),
    method: "POST",
    url: new URL(`${connection.server}/apis/authorization.k8s.io/v1/selfsubjectaccessreviews`),
    headers: { accept: "application/json", "content-type": "application/json" },
    body: JSON.stringify({
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes },
    }),
    // a question that is asked twice changes nothing
    attempts: 4,
    okStatus: [200, 201, 403],
  });
  if (answer.status === 403)
    throw new ReleaseError("REFUSED", {
      rule: "the account may not ask what it may (selfsubjectaccessreviews)",
      saw: "403",
    });
  const { status } = decode(ReviewSchema, answer.json(), "the access review");
  return { verb, allowed: status.allowed, reason: status.reason };
}
