import * as v from "valibot";
import type { Signer } from "../../domain/signing/signer.ts";
import { decode } from "../../lib/decode.ts";
import { claimsOf } from "../../lib/jwt.ts";

/** The audience that Sigstore's certificate authority wants. */
export const AUDIENCE = "sigstore";

const ClaimsSchema = v.looseObject({
  iss: v.string(),
  sub: v.string(),
  email: v.optional(v.string()),
  job_workflow_ref: v.optional(v.string()),
});

export type Identity = Extract<Signer, { by: "identity" }>;

/** Whom a certificate for this token will name, as Fulcio does for the issuers that it knows. Throws `PROTOCOL`, without a word of the token. */
export function identityOf(token: string, serverUrl: string): Identity {
  const { iss, sub, email, job_workflow_ref: workflow } = decode(ClaimsSchema, claimsOf(token), "the identity token");
  return {
    by: "identity",
    identity: workflow === undefined ? (email ?? sub) : `${serverUrl}/${workflow}`,
    issuer: iss,
  };
}
