import type { Digest } from "../domain/digest.ts";
import type { Checked } from "../domain/problem.ts";
import type { Signer } from "../domain/signing/signer.ts";
import type { SignedModel } from "../domain/signing/statement.ts";

/**
 * Makes detached signatures of OpenSSF Model Signing.
 * Implementations: a key of one's own; an identity of the job, certified by Sigstore.
 */
export interface ModelSigner {
  /** As whom it signs. */
  readonly signer: Signer;
  sign(model: SignedModel): Promise<SignedBundle>;
  /** Whether a signature that an earlier attempt left may stand for one that would be made now. */
  mayStand(bytes: Uint8Array, model: SignedModel): boolean;
}

/** A `model.sig`. */
export type SignedBundle = {
  readonly bytes: Uint8Array;
  readonly signer: Signer;
  /** The same for signatures that may stand for each other. */
  readonly identity: Digest;
};

/** Opens detached signatures of one signer, or of some. */
export interface SignatureVerifier {
  /** Whether a signature of this signer is one that is looked for. */
  isMeant(signer: Signer): boolean;
  /** What a signature is on, and of whom it is, if that can be trusted. That the files are so is still to be seen. */
  open(bytes: Uint8Array): Checked<OpenedSignature>;
}

export type OpenedSignature = { readonly signer: Signer; readonly model: SignedModel };
