import * as v from "valibot";

const ClaimsSchema = v.looseObject({ exp: v.optional(v.number()) });

/** When a JSON Web Token ends, in milliseconds since 1970; undefined for another kind of token. Nothing is verified: that is the service's part. */
export function expiryOf(token: string): number | undefined {
  const claims = v.safeParse(ClaimsSchema, claimsOf(token));
  return !claims.success || claims.output.exp === undefined ? undefined : claims.output.exp * 1_000;
}

/** What a JSON Web Token says, unverified; undefined for another kind of token. */
export function claimsOf(token: string): unknown {
  const [, payload] = token.split(".");
  if (payload === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}
