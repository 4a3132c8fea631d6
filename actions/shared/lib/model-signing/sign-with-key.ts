import type { Signer } from "../../domain/signing/signer.ts";
import type { ModelSigner, SignatureVerifier } from "../../ports/model-signing.ts";
import { sha256 } from "../hash.ts";
import type { SigningKey, VerificationKey } from "./keys.ts";
import { compareSigned, openSignature, signModel } from "./signature.ts";

/** Signs with a key. What it signed before for the same files is kept: another signature would differ in every byte, and say the same. */
export function keySigner(key: SigningKey): ModelSigner {
  const signer: Signer = { by: "key", publicKey: key.id };
  return {
    signer,
    sign: async (model) => ({ bytes: signModel(model, key), signer, identity: sha256(`${model.digest} ${key.id}`) }),
    mayStand(bytes, { digest, files }) {
      const opened = openSignature(bytes, key);
      return (
        opened.state === "ok" && opened.value.digest === digest && compareSigned(opened.value.files, files).length === 0
      );
    },
  };
}

export function keyVerifier(key: VerificationKey): SignatureVerifier {
  const signer: Signer = { by: "key", publicKey: key.id };
  return {
    isMeant: (other) => other.by === "key" && other.publicKey === key.id,
    open(bytes) {
      const opened = openSignature(bytes, key);
      return opened.state === "bad" ? opened : { state: "ok", value: { signer, model: opened.value } };
    },
  };
}
