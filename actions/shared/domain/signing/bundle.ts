import * as v from "valibot";
import { canonicalJson } from "../canonical.ts";
import { bad, type Checked, ok } from "../problem.ts";
import { PAYLOAD_TYPE } from "./statement.ts";

const MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** A detached signature; payload and signature are base64. */
export type Bundle = KeyBundle | CertificateBundle;

/** Made with a key. */
export type KeyBundle = {
  readonly by: "key";
  /** SHA-256 of the public key's PEM text in hex; absent in bundles of before v1.1. It helps people, and proves nothing. */
  readonly hint?: string;
  readonly payload: string;
  readonly signature: string;
};

/** Made with a key of a few minutes, which a certificate binds to an identity. */
export type CertificateBundle = {
  readonly by: "certificate";
  readonly payload: string;
};

/** `model.sig`: a Sigstore bundle v0.3 with a DSSE envelope. */
export function formatBundle({ hint, payload, signature }: Omit<KeyBundle, "by">): string {
  return canonicalJson({
    mediaType: MEDIA_TYPE,
    // The list is empty for a key; some readers want it all the same.
    verificationMaterial: { publicKey: { hint }, tlogEntries: [] },
    dsseEnvelope: { payloadType: PAYLOAD_TYPE, payload, signatures: [{ sig: signature, keyid: "" }] },
  });
}

/** The base64 of RFC 4648, whole: what a lenient decoder would skip could be read in two ways. */
const Base64 = v.pipe(
  v.string(),
  v.check((text) => text !== "" && text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text), "must be base64"),
);

const BundleSchema = v.strictObject({
  mediaType: v.string(),
  verificationMaterial: v.object({
    publicKey: v.optional(v.object({ hint: v.optional(v.string()), rawBytes: v.optional(v.string()) })),
    certificate: v.optional(v.unknown()),
    x509CertificateChain: v.optional(v.unknown()),
  }),
  dsseEnvelope: v.strictObject({
    payloadType: v.string(),
    payload: Base64,
    signatures: v.pipe(
      v.array(v.strictObject({ sig: Base64, keyid: v.optional(v.nullable(v.string())) })),
      v.length(1, "must be one signature"),
    ),
  }),
});

export function parseBundle(value: unknown): Checked<Bundle> {
  const parsed = v.safeParse(BundleSchema, value);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    return bad({
      rule: "must be a signature of OpenSSF Model Signing (a Sigstore bundle)",
      saw: `${v.getDotPath(issue) ?? "the value"}: ${issue.message.slice(0, 200)}`,
      hint: "it is damaged, or another file: sign the model again",
    });
  }
  const { mediaType, verificationMaterial, dsseEnvelope } = parsed.output;
  const { publicKey, certificate, x509CertificateChain } = verificationMaterial;
  if (mediaType !== MEDIA_TYPE)
    return bad({
      rule: "must be a Sigstore bundle v0.3",
      saw: JSON.stringify(mediaType.slice(0, 200)),
      allowed: MEDIA_TYPE,
    });
  if (x509CertificateChain !== undefined || (publicKey === undefined) === (certificate === undefined))
    return bad({
      rule: "must be made with a key, or with one certificate",
      saw:
        [
          ...(publicKey === undefined ? [] : ["a public key"]),
          ...(certificate === undefined ? [] : ["a certificate"]),
          ...(x509CertificateChain === undefined ? [] : ["a chain of certificates"]),
        ].join(" and ") || "none of both",
      allowed: "verificationMaterial.publicKey or .certificate",
      hint: "verify it with the program that made it (model_signing)",
    });
  if (dsseEnvelope.payloadType !== PAYLOAD_TYPE)
    return bad({
      rule: "the signature must be on an in-toto statement",
      saw: JSON.stringify(dsseEnvelope.payloadType.slice(0, 200)),
      allowed: PAYLOAD_TYPE,
    });
  if (publicKey === undefined) return ok({ by: "certificate", payload: dsseEnvelope.payload });
  const { hint } = publicKey;
  return ok({
    by: "key",
    ...(hint === undefined ? {} : { hint }),
    payload: dsseEnvelope.payload,
    signature: dsseEnvelope.signatures[0]?.sig ?? "",
  });
}

/** What is signed in place of the payload (DSSE v1, pre-authentication encoding): its type is signed with it. */
export function preAuthEncoding(payload: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `);
  const bytes = new Uint8Array(head.length + payload.length);
  bytes.set(head);
  bytes.set(payload, head.length);
  return bytes;
}
