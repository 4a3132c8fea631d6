import { type ErrorCode, ReleaseError } from "./error.ts";
import type { HttpAnswer, HttpRequest } from "./http.ts";

export function codeOfStatus(status: number): ErrorCode {
  if (status === 401 || status === 403) return "AUTH";
  if (status === 404 || status === 410) return "NOT_FOUND";
  if (status === 409 || status === 412) return "CONFLICT";
  if (status === 408 || status === 425 || status === 429 || status >= 500) return "UNAVAILABLE";
  return "PROTOCOL";
}

/** The error that `request` throws for an answer: for callers that took a refusal as an answer first. */
export function refusalOf(wanted: HttpRequest, answer: HttpAnswer): ReleaseError {
  return refusal(wanted, answer.status, withoutCredentials(answer.text(), wanted));
}

/** The error for a refusal, `text` being the beginning of what it says. */
export function refusal(wanted: HttpRequest, status: number, text: string): ReleaseError {
  const told = wanted.explain?.({ status, text });
  if (told !== undefined) return told;
  const snippet = (messageIn(text) ?? text).replaceAll(/\s+/g, " ").trim().slice(0, 300);
  return problem(wanted, codeOfStatus(status), { saw: snippet === "" ? String(status) : `${status}: ${snippet}` });
}

/** What many services have for people in their JSON. */
function messageIn(text: string): string | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    return typeof message === "string" && message !== "" ? message : undefined;
  } catch {
    return undefined;
  }
}

/** The error where no answer came. A certificate that is not trusted stays so, however often one asks. */
export function unreached(wanted: HttpRequest, error: unknown): ReleaseError {
  const saw = reasonOf(error);
  if (!CERTIFICATE.test(saw)) return problem(wanted, "UNAVAILABLE", { saw, cause: error });
  const hint =
    wanted.hints?.CONFIG ??
    "use the name that the certificate is for, or set NODE_EXTRA_CA_CERTS in the job's env to the file of the authority that signed it";
  const rule = `${wanted.service} has a certificate that is not trusted (${addressOf(wanted)})`;
  return new ReleaseError("CONFIG", { rule, saw, hint }, error);
}

/** Codes of OpenSSL and Node for what is wrong with a server's certificate. */
const CERTIFICATE =
  /^(UNABLE_TO_\w+|SELF_SIGNED_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_\w+|ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH|INVALID_CA)\b/;

const RULES: Partial<Record<ErrorCode, string>> = {
  AUTH: "refused the credentials",
  NOT_FOUND: "does not know this",
  CONFLICT: "says that it conflicts with what is there",
  UNAVAILABLE: "is not available",
};

type Seen = { readonly saw: string; readonly cause?: unknown };

export function problem(wanted: HttpRequest, code: ErrorCode, { saw, cause }: Seen): ReleaseError {
  const hint = wanted.hints?.[code];
  const rule = `${wanted.service} ${RULES[code] ?? "did not answer as its API promises"} (${addressOf(wanted)})`;
  return new ReleaseError(code, { rule, saw, ...(hint === undefined ? {} : { hint }) }, cause);
}

/** Method and address without user, password, query (signatures live there) and fragment. */
function addressOf(wanted: HttpRequest): string {
  const url = new URL(wanted.url);
  return `${wanted.method ?? "GET"} ${url.protocol}//${url.host}${url.pathname}`;
}

/** A service may echo what it was sent. */
export function withoutCredentials(text: string, wanted: HttpRequest): string {
  const secret = Object.entries(wanted.headers ?? {})
    .filter(([name]) => /^(authorization|proxy-authorization|cookie|x-[\w-]*token|[\w-]*api-key)$/i.test(name))
    .flatMap(([, value]) => [value, value.replace(/^\S+\s+/, ""), ...value.split(/[=;]\s*/).slice(1)])
    .filter((value) => value.length >= 4);
  return secret.reduce((shown, value) => shown.replaceAll(value, "***"), text);
}

/** fetch says "fetch failed" and keeps the reason in the cause. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.name === "TimeoutError") return "no whole answer in time";
  const cause = thrown.cause instanceof Error ? thrown.cause : thrown;
  return "code" in cause ? `${String(cause.code)} ${cause.message}`.trim() : cause.message;
}
