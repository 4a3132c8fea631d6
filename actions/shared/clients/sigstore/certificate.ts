import { X509Certificate } from "@sigstore/core";
import type { Identity } from "./identity.ts";

/** Where Fulcio writes who knew the signer: as text of ASN.1, and in the old way as bare text. */
const ISSUER = "1.3.6.1.4.1.57264.1.8";
const ISSUER_BARE = "1.3.6.1.4.1.57264.1.1";

/** Whom a certificate names; undefined where it is none of Sigstore's. Nothing is verified. */
export function certified(der: Uint8Array): Identity | undefined {
  try {
    const certificate = X509Certificate.parse(Buffer.from(der));
    const issuer = certificate.extension(ISSUER)?.valueObj.subs[0]?.value ?? certificate.extension(ISSUER_BARE)?.value;
    const identity = certificate.subjectAltName;
    if (issuer === undefined || identity === undefined) return undefined;
    return { by: "identity", identity, issuer: issuer.toString("utf8") };
  } catch {
    return undefined;
  }
}
