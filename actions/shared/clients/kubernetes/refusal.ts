import type { Problem } from "../../domain/problem.ts";
import { type ErrorCode, ReleaseError } from "../../lib/error.ts";
import type { Refused } from "../../lib/http.ts";
import { codeOfStatus } from "../../lib/http-error.ts";
import { adviseRule, readDenied } from "./rbac-rule.ts";
import { parseStatus, type Status } from "./status.ts";

export type Asked = {
  /** What was asked of whom: `the cluster prod (PATCH /apis/batch/v1/namespaces/ml/jobs/train)`. */
  readonly what: string;
  /** What to do, where the refusal itself does not tell. */
  readonly hints?: Partial<Readonly<Record<ErrorCode, string>>>;
};

/** The error for what the API server refused: with the rule to add, the fields in conflict, the fields that are wrong. */
export function refusalOf(status: Status, { what, hints = {} }: Asked): ReleaseError {
  const { code, problem } = describe(status);
  const hint = problem.hint ?? hints[code];
  return new ReleaseError(code, {
    ...problem,
    rule: `${what}: ${problem.rule}`,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The same for an answer as it came; undefined where it is not the API server's own. */
export function explainStatus({ status: code, text }: Refused, asked: Asked): ReleaseError | undefined {
  const status = parseStatus(text);
  return status === undefined ? undefined : refusalOf({ ...status, code }, asked);
}

type Described = { readonly code: ErrorCode; readonly problem: Problem };

function describe(status: Status): Described {
  const saw = saying(status);
  switch (status.code) {
    case 401:
      return { code: "AUTH", problem: { rule: "refused the credentials", saw } };
    case 403:
      return forbidden(status, saw);
    case 404:
      return notFound(status, saw);
    case 409:
      return conflict(status, saw);
    case 410:
      // An object that is not there is a 404: this one may well be.
      return {
        code: "UNAVAILABLE",
        problem: { rule: "no longer knows this version of the list", saw, hint: "list again, and watch from there" },
      };
    case 400:
    case 422:
      return {
        code: "CONFIG",
        problem: { rule: "does not take the object as it is", saw, hint: "correct these fields of the manifest" },
      };
    case 500:
      return undeclared(status, saw);
    default:
      return other(status, saw);
  }
}

/** Of the message, or of each cause with its field: at most five of them. */
function saying({ message, details, reason, code }: Status): string {
  const causes = details?.causes ?? [];
  const named = causes.slice(0, 5).map(({ field, message: why }) => (field === "" ? why : `${field}: ${why}`));
  const more = causes.length > 5 ? [`and ${causes.length - 5} more`] : [];
  const text = named.some(Boolean) ? [...named, ...more].join("; ") : message || reason || String(code ?? "no reason");
  return text.replaceAll(/\s+/g, " ").slice(0, 600);
}

function forbidden({ message }: Status, saw: string): Described {
  const denied = readDenied(message);
  if (denied === undefined)
    return {
      code: "REFUSED",
      problem: {
        rule: "a policy of the cluster forbids this",
        saw,
        hint: "see the reason; quota, pod security and admission webhooks are settled with who runs the cluster",
      },
    };
  if (denied.user === "system:anonymous")
    return {
      code: "AUTH",
      problem: {
        rule: "was asked by nobody (system:anonymous)",
        saw,
        hint: "the credentials were not sent or not known: check the user of the kubeconfig",
      },
    };
  return { code: "AUTH", problem: { rule: "does not allow this", saw, hint: adviseRule(denied) } };
}

/** A kind that the cluster does not serve, or an object that is not there. */
function notFound({ details, message }: Status, saw: string): Described {
  const isKind = details?.name === undefined && /could not find the requested resource/.test(message);
  return {
    code: "NOT_FOUND",
    problem: isKind
      ? {
          rule: "does not serve this kind of object",
          saw,
          hint: "install the CRDs (the operator) in the cluster, or correct apiVersion and kind",
        }
      : { rule: "has no such object", saw },
  };
}

function conflict({ reason, details }: Status, saw: string): Described {
  const causes = details?.causes ?? [];
  const isManaged = causes.some((cause) => cause.reason === "FieldManagerConflict");
  if (isManaged)
    return {
      code: "CONFLICT",
      problem: { rule: "somebody else manages these fields", saw, hint: "let only one of them set the fields" },
    };
  if (reason === "AlreadyExists")
    return { code: "CONFLICT", problem: { rule: "has an object of this name already", saw } };
  return { code: "CONFLICT", problem: { rule: "has changed the object in between", saw, hint: "read it again" } };
}

/** An unknown field in a server-side apply comes as 500, and never passes. */
function undeclared({ message }: Status, saw: string): Described {
  const field = /failed to create typed patch object|field not declared in schema/.test(message);
  if (!field) return { code: "UNAVAILABLE", problem: { rule: "is not available", saw } };
  return {
    code: "CONFIG",
    problem: {
      rule: "does not know a field of the object",
      saw,
      hint: "correct the name of the field, or the apiVersion",
    },
  };
}

function other({ code }: Status, saw: string): Described {
  const kind = codeOfStatus(code ?? 0);
  const rule = kind === "UNAVAILABLE" ? "is not available" : "did not answer as its API promises";
  return { code: kind, problem: { rule, saw: code === undefined ? saw : `${code}: ${saw}` } };
}
