import { bundleFromJSON, isBundleWithDsseEnvelope } from "@sigstore/bundle";
import { type TrustMaterial, toSignedEntity, VerificationError, Verifier } from "@sigstore/verify";
import { bad, type Checked, ok, type Problem } from "../../domain/problem.ts";
import { isIdentity } from "../../domain/signing/signer.ts";
import { readBundle, readSigned } from "../../lib/model-signing/signature.ts";
import type { SignatureVerifier } from "../../ports/model-signing.ts";
import type { Identity } from "./identity.ts";

/** Who may have signed; a `*` at the end of the identity stands for any rest. */
export type Allowed = Pick<Identity, "identity" | "issuer">;

/**
 * Verifies signatures that were made without a key: the certificate by one of the roots at the time of the signature, its entry in a
 * certificate log, the entry in the transparency log, the signature itself, and that it is of whom it may be.
 */
export function keylessVerifier(allowed: Allowed, roots: readonly TrustMaterial[]): SignatureVerifier {
  const isMeant = (identity: Identity) =>
    identity.issuer === allowed.issuer && isIdentity(allowed.identity, identity.identity);
  return {
    isMeant: (signer) => signer.by === "identity" && isMeant(signer),
    open(bytes) {
      const parts = readBundle(bytes);
      if (parts.state === "bad") return parts;
      if (parts.value.by === "key") return bad(ONLY_KEY);
      const verified = verifyWithAny(bytes, roots);
      if (verified.state === "bad") return verified;
      const signer = verified.value;
      if (!isMeant(signer)) return bad(otherSigner(signer, allowed));
      const model = readSigned(Buffer.from(parts.value.payload, "base64"));
      return model.state === "bad" ? model : ok({ signer, model: model.value });
    },
  };
}

const ONLY_KEY: Problem = {
  rule: "must be signed by an identity",
  saw: "a signature of a key",
  hint: "give its public half as `verification-key`, in place of `verification-identity`",
};

function otherSigner({ identity, issuer }: Identity, allowed: Allowed): Problem {
  return {
    rule: "the signature must be of whom it may be",
    saw: `${identity} (${issuer})`,
    allowed: `${allowed.identity} (${allowed.issuer})`,
    hint: "somebody else signed it: do not use this version, or allow that signer in `verification-identity`",
  };
}

/** By the first root that trusts it; else what the last one had against it. */
function verifyWithAny(bytes: Uint8Array, roots: readonly TrustMaterial[]): Checked<Identity> {
  let last: Checked<Identity> = bad(untrusted("no root to trust"));
  for (const root of roots) {
    last = verifyWith(bytes, root);
    if (last.state === "ok") return last;
  }
  return last;
}

function verifyWith(bytes: Uint8Array, root: TrustMaterial): Checked<Identity> {
  try {
    const bundle = bundleFromJSON(JSON.parse(Buffer.from(bytes).toString("utf8")));
    if (!isBundleWithDsseEnvelope(bundle)) return bad(untrusted("no signed statement"));
    const { identity } = new Verifier(root).verify(toSignedEntity(bundle));
    const name = identity?.subjectAlternativeName;
    const issuer = identity?.extensions?.issuer;
    if (name === undefined || issuer === undefined) return bad(untrusted("a certificate that names nobody"));
    return ok({ by: "identity", identity: name, issuer });
  } catch (error) {
    // Whatever a hostile bundle makes the library throw is no trust.
    const code = error instanceof VerificationError ? `${error.code}: ` : "";
    return bad(untrusted(`${code}${error instanceof Error ? error.message : ""}`.slice(0, 200)));
  }
}

function untrusted(saw: string): Problem {
  return {
    rule: "the signature must be trusted by the trusted root",
    saw,
    hint: "it was changed, or made with other services: check `trusted-root`, else do not use this version",
  };
}
