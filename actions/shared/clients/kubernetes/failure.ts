import * as v from "valibot";
import { formatRule } from "../../domain/manifest/access.ts";
import type { Problem } from "../../domain/problem.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { HttpAnswer } from "../../lib/http.ts";
import type { KubeConnection } from "./connection.ts";
import type { ResourceType } from "./objects.ts";

/** What was asked for, as RBAC names it. */
export type Deed = {
  readonly verb: "get" | "list" | "watch" | "create" | "patch" | "delete";
  readonly type: ResourceType;
  readonly name?: string;
};

const StatusSchema = v.looseObject({
  kind: v.literal("Status"),
  reason: v.optional(v.string(), ""),
  message: v.optional(v.string(), ""),
  code: v.optional(v.number()),
  details: v.optional(
    v.looseObject({
      name: v.optional(v.string()),
      kind: v.optional(v.string()),
      causes: v.optional(
        v.array(
          v.looseObject({
            reason: v.optional(v.string(), ""),
            message: v.optional(v.string(), ""),
            field: v.optional(v.string(), ""),
          }),
        ),
      ),
    }),
  ),
});

export type KubeStatus = v.InferOutput<typeof StatusSchema>;

/** The `Status` object of an answer, where it is one. */
export function statusIn(value: unknown): KubeStatus | undefined {
  const read = v.safeParse(StatusSchema, value);
  return read.success ? read.output : undefined;
}

/** A 404 for a type that the cluster does not have is no `Status`, and says "page not found". */
export function isNoSuchType(answer: HttpAnswer): boolean {
  return answer.status === 404 && readStatus(answer) === undefined;
}

/** An answer that is no success, in words that say what to do: the field and its owner, the rule to add, what the schema allows. */
export function failureOf(answer: HttpAnswer, deed: Deed, connection: KubeConnection): ReleaseError {
  const status = readStatus(answer);
  const message = status?.message ?? answer.text().slice(0, 300).trim();
  const what = whatOf(deed);
  switch (answer.status) {
    case 403:
      return forbidden(message, deed, connection);
    case 404:
      return new ReleaseError("NOT_FOUND", notFound(message, deed, connection));
    case 409:
      return new ReleaseError("CONFLICT", conflicts(status, message, what));
    case 400:
    case 422:
      return new ReleaseError("CONFIG", invalid(status, message, what));
    case 500:
      if (/field not declared in schema|unknown field|failed to create typed patch object/.test(message))
        return new ReleaseError("CONFIG", { rule: `the cluster does not know a field of ${what}`, saw: message });
      return new ReleaseError("UNAVAILABLE", {
        rule: `the cluster could not answer for ${what}`,
        saw: `500: ${message}`,
      });
    default:
      return new ReleaseError("PROTOCOL", {
        rule: `the cluster did not answer as its API promises for ${what}`,
        saw: `${answer.status}: ${message}`,
      });
  }
}

/** What RBAC refused, and the rule that would allow it. An admission plugin refuses with the same status and other words. */
function forbidden(message: string, { verb, type }: Deed, { user }: KubeConnection): ReleaseError {
  const isRbac = message === "" || /cannot \w+ resource|is forbidden: User/.test(message);
  const where = type.namespace === undefined ? "in the whole cluster" : `in the namespace ${type.namespace}`;
  if (!isRbac)
    return new ReleaseError("CONFLICT", {
      rule: `the cluster does not admit ${nameOf(type)} ${where}`,
      saw: message,
      hint: "it is a quota or a policy of the cluster that says so: ask who runs it",
    });
  const role = type.namespace === undefined ? "a ClusterRole" : `a Role in ${type.namespace}`;
  return new ReleaseError("AUTH", {
    rule: `the account${user === undefined ? "" : ` ${user}`} may not ${verb} ${nameOf(type)} ${where}`,
    saw: message || "403",
    hint: `add to ${role} of this account: ${formatRule(type.group, type.plural, [verb])}`,
  });
}

function notFound(message: string, { type, name }: Deed, connection: KubeConnection): Problem {
  const namespace = /namespaces? "([^"]+)" not found/.exec(message)?.[1];
  if (namespace !== undefined)
    return {
      rule: "the namespace must exist",
      saw: namespace,
      hint: `create it, or correct \`namespace\` (cluster ${connection.server})`,
    };
  return {
    rule: `the cluster does not have ${nameOf(type)}${name === undefined ? "" : ` ${name}`}`,
    saw: message || "404",
  };
}

/** Each field with who owns it. */
function conflicts(status: KubeStatus | undefined, message: string, what: string): readonly Problem[] {
  const causes = (status?.details?.causes ?? []).filter(({ reason }) => reason === "FieldManagerConflict");
  if (causes.length === 0) return [{ rule: `${what} conflicts with what is in the cluster`, saw: message }];
  return causes.map((cause) => ({
    rule: `another manager owns a field of ${what}`,
    saw: `${cause.field} is owned by ${/conflict with "([^"]+)"/.exec(cause.message)?.[1] ?? cause.message}`,
    hint: "take the field out of the manifest, or let that manager give it up",
  }));
}

function invalid(status: KubeStatus | undefined, message: string, what: string): readonly Problem[] {
  const causes = status?.details?.causes ?? [];
  if (causes.length === 0) return [{ rule: `the cluster refuses ${what}`, saw: message }];
  return causes.map((cause) => ({
    rule: `the cluster refuses ${cause.field === "" ? what : `${cause.field} of ${what}`}`,
    saw: cause.message,
  }));
}

function whatOf({ type, name }: Deed): string {
  return name === undefined ? nameOf(type) : `${nameOf(type)} ${name}`;
}

/** `jobs.batch`, `pods`. */
function nameOf({ group, plural }: ResourceType): string {
  return group === "" ? plural : `${plural}.${group}`;
}

function readStatus(answer: HttpAnswer): KubeStatus | undefined {
  try {
    return statusIn(answer.json());
  } catch {
    return undefined;
  }
}
