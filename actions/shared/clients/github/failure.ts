/** What an answer of GitHub that is none of ours means. */
export type Failure =
  /** Worth another try: the service, the network, or a limit that passes. */
  | { readonly kind: "passing"; readonly reason: string; readonly waitMs?: number }
  | { readonly kind: "denied"; readonly reason: string }
  | { readonly kind: "gone"; readonly reason: string }
  | { readonly kind: "other"; readonly reason: string };

type Answered = {
  readonly status: number;
  readonly message: string;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
};

/** Reads a failed request. A limit comes as 403 or 429 and says so by header or message; every other 403 is a missing permission. */
export function failureOf(answered: Answered, nowMs: number): Failure {
  const { status, message } = answered;
  const reason = `${status}: ${message}`;
  if (isLimit(answered)) return { kind: "passing", reason, ...waitOf(answered, nowMs) };
  // Without the permission a private repository is not there at all.
  if (status === 401 || status === 403 || status === 404) return { kind: status === 404 ? "gone" : "denied", reason };
  if (status === 408 || status === 409 || status >= 500) return { kind: "passing", reason, ...waitOf(answered, nowMs) };
  return { kind: "other", reason };
}

function isLimit({ status, message, headers }: Answered): boolean {
  if (status === 429) return true;
  const spent = String(headers["x-ratelimit-remaining"] ?? "") === "0";
  return (
    status === 403 && (spent || headers["retry-after"] !== undefined || /secondary rate limit|abuse/i.test(message))
  );
}

/** `retry-after` in seconds, else when the hour's budget begins anew. */
function waitOf({ headers }: Answered, nowMs: number): { readonly waitMs?: number } {
  const seconds = Number(headers["retry-after"] ?? Number.NaN);
  if (Number.isFinite(seconds)) return { waitMs: Math.max(0, seconds * 1_000) };
  const reset = Number(headers["x-ratelimit-reset"] ?? Number.NaN);
  const spent = String(headers["x-ratelimit-remaining"] ?? "") === "0";
  return spent && Number.isFinite(reset) ? { waitMs: Math.max(0, reset * 1_000 - nowMs) } : {};
}
