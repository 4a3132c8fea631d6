import * as v from "valibot";

const ClaimsSchema = v.looseObject({ exp: v.optional(v.number()) });

/** When a JSON Web Token ends, in milliseconds since 1970; undefined for another kind of token. Nothing is verified: that is the service's part. */
export function expiryOf(token: string): number | undefined {
  const [, payload] = token.split(".");
  if (payload === undefined) return undefined;
  try {
    const { exp } = v.parse(ClaimsSchema, JSON.parse(Buffer.from(payload, "base64url").toString("utf8")));
    return exp === undefined ? undefined : exp * 1_000;
  } catch {
    return undefined;
  }
}
