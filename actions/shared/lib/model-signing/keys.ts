import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import type { Digest } from "../../domain/digest.ts";
import type { Problem } from "../../domain/problem.ts";
import { ReleaseError } from "../error.ts";

/** A public key that signatures are checked with. */
export type VerificationKey = {
  /** SHA-256 of its PEM text: what signatures name it by. */
  readonly id: Digest;
  isSigned(bytes: Uint8Array, signature: Uint8Array): boolean;
};

/** A private key, with its public half. */
export type SigningKey = VerificationKey & { sign(bytes: Uint8Array): Uint8Array };

/** The curves of OpenSSF Model Signing, each with the hash that goes with it. */
const HASHES: Readonly<Record<string, string>> = { prime256v1: "sha256", secp384r1: "sha384", secp521r1: "sha512" };

const CURVES = "an EC key on P-256, P-384 or P-521";
const MAKE = "`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes one";

export type SigningKeyText = { readonly pem: string; readonly passphrase: string | undefined };

/** Reads a private key in PEM (`EC PRIVATE KEY`, `PRIVATE KEY`, `ENCRYPTED PRIVATE KEY`). Throws `INPUT`, and tells nothing of the key. */
export function readSigningKey({ pem, passphrase }: SigningKeyText): SigningKey {
  const where = { input: "signing-key" };
  const label = labelOf(pem);
  if (label === undefined || !label.endsWith("PRIVATE KEY") || /SIGSTORE|COSIGN|OPENSSH/.test(label))
    throw inputError({
      rule: "must be a private key in PEM",
      where,
      saw: label ?? "no `-----BEGIN …-----`",
      allowed: CURVES,
      hint: `give the text of the key with its line breaks, as a secret; ${MAKE}`,
    });
  const isEncrypted = label.startsWith("ENCRYPTED") || /^Proc-Type: 4,ENCRYPTED/m.test(pem);
  if (isEncrypted && passphrase === undefined)
    throw inputError({
      rule: "an encrypted key needs its passphrase",
      where: { input: "signing-key-passphrase" },
      saw: "nothing",
      hint: "set `signing-key-passphrase` from a secret",
    });
  const secret = parse(() => createPrivateKey({ key: pem, ...(isEncrypted ? { passphrase } : {}) }), {
    rule: isEncrypted ? "the key could not be decrypted" : "must be a private key in PEM",
    where,
    saw: "a PEM text that is damaged, cut, or (where it is encrypted) of another passphrase",
    hint: `look at it with \`openssl pkey -in FILE -noout -text\`; ${MAKE}`,
  });
  const hash = hashOf(secret, "signing-key");
  const open = createPublicKey(secret);
  return {
    ...verificationKey(open, hash),
    sign: (bytes) => sign(hash, bytes, { key: secret, dsaEncoding: "der" }),
  };
}

/** Reads a public key in PEM. Throws `INPUT`. */
export function readVerificationKey(pem: string): VerificationKey {
  const where = { input: "verification-key" };
  const label = labelOf(pem);
  if (label !== "PUBLIC KEY")
    throw inputError({
      rule: "must be a public key in PEM",
      where,
      saw: label ?? "no `-----BEGIN PUBLIC KEY-----`",
      hint: "`openssl pkey -in signing-key.pem -pubout` writes the public half of a key",
    });
  const key = parse(() => createPublicKey(pem), {
    rule: "must be a public key in PEM",
    where,
    saw: "a PEM text that is damaged or cut",
    hint: "give the text of the key with its line breaks",
  });
  return verificationKey(key, hashOf(key, "verification-key"));
}

function verificationKey(key: KeyObject, hash: string): VerificationKey {
  const pem = key.export({ type: "spki", format: "pem" });
  return {
    id: `sha256:${createHash("sha256").update(pem).digest("hex")}`,
    isSigned: (bytes, signature) => verify(hash, bytes, { key, dsaEncoding: "der" }, signature),
  };
}

/** What the first block of a PEM text is; parameters that `openssl ecparam` writes before a key are passed over. */
function labelOf(pem: string): string | undefined {
  const labels = [...pem.matchAll(/^-----BEGIN ([A-Z0-9 ]+)-----\r?$/gm)].map(([, label]) => label ?? "");
  return labels.find((label) => label !== "EC PARAMETERS");
}

function hashOf(key: KeyObject, input: string): string {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  const hash = key.asymmetricKeyType === "ec" ? HASHES[curve ?? ""] : undefined;
  if (hash !== undefined) return hash;
  throw inputError({
    rule: "must be a key that model signatures are made with",
    where: { input },
    saw: [key.asymmetricKeyType, curve].filter((part) => part !== undefined).join(" "),
    allowed: CURVES,
    hint: MAKE,
  });
}

/** The cause is left out: OpenSSL may quote what it could not read. */
function parse(read: () => KeyObject, problem: Problem): KeyObject {
  try {
    return read();
  } catch {
    throw inputError(problem);
  }
}

function inputError(problem: Problem): ReleaseError {
  return new ReleaseError("INPUT", problem);
}
