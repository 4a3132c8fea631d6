import { type Digest, shortDigest } from "../digest.ts";
import type { VersionRecord } from "../model-version.ts";
import { code, type Text, text } from "../report.ts";

/** Whom a signature is of. */
export type Signer =
  /** Whoever has a key; named by the SHA-256 of the PEM text of its public half. */
  | { readonly by: "key"; readonly publicKey: Digest }
  /** Whom an issuer of identities knew as this: a workflow by its address, a person by an address of mail. */
  | { readonly by: "identity"; readonly identity: string; readonly issuer: string };

export type RecordedSignature = NonNullable<VersionRecord["signatures"]>[number];

export function signerOf(signature: RecordedSignature): Signer {
  return "publicKey" in signature
    ? { by: "key", publicKey: signature.publicKey }
    : { by: "identity", identity: signature.identity, issuer: signature.issuer };
}

/** What a record says of a signer. */
export function signerFields(
  signer: Signer,
): { readonly publicKey: Digest } | { readonly identity: string; readonly issuer: string } {
  return signer.by === "key" ? { publicKey: signer.publicKey } : { identity: signer.identity, issuer: signer.issuer };
}

export function isSameSigner(one: Signer, other: Signer): boolean {
  if (one.by === "key") return other.by === "key" && one.publicKey === other.publicKey;
  return other.by === "identity" && one.identity === other.identity && one.issuer === other.issuer;
}

/** As a sentence names a signer: `signed with …`, `signed as …`. */
export function formatSigner(signer: Signer): string {
  return signer.by === "key" ? `with key ${signer.publicKey}` : `as ${signer.identity} (${signer.issuer})`;
}

/** The same in a report. */
export function signerText(signer: Signer): Text {
  return signer.by === "key"
    ? text`with key ${code(shortDigest(signer.publicKey))}`
    : text`as ${code(signer.identity)}, known to ${code(signer.issuer)}`;
}

/** An identity that is asked for: as it is written; a `*` at its end stands for any rest. */
export function isIdentity(rule: string, identity: string): boolean {
  return rule.endsWith("*") ? identity.startsWith(rule.slice(0, -1)) : identity === rule;
}
