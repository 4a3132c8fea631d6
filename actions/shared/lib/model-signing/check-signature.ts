import type { VersionRecord } from "../../domain/model-version.ts";
import type { Problem } from "../../domain/problem.ts";
import { type Signer, signerOf } from "../../domain/signing/signer.ts";
import type { SignatureVerifier } from "../../ports/model-signing.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { sha256 } from "../hash.ts";
import { readSmall } from "../model-registry/beside.ts";
import { compareSigned } from "./signature.ts";

/** What is known of the signature of a registered version. */
export type SignatureCheck =
  /** It was registered without one. */
  | { readonly state: "none" }
  /** It is there, and nothing was given to check it with. */
  | { readonly state: "unchecked"; readonly signer: Signer }
  | { readonly state: "sound"; readonly signer: Signer }
  | { readonly state: "bad"; readonly problems: readonly Problem[] };

/** Checks the signature of a version, and holds what it is on against the record; the files themselves are read elsewhere. */
export async function checkSignature(
  store: ModelStore,
  record: VersionRecord,
  verifier: SignatureVerifier | undefined,
): Promise<SignatureCheck> {
  const signatures = record.signatures ?? [];
  const signature = signatures.find((one) => verifier?.isMeant(signerOf(one))) ?? signatures[0];
  if (signature === undefined) return verifier === undefined ? { state: "none" } : bad(NOT_SIGNED);
  const where = { file: store.address(signature.key) };
  const bytes = await readSmall(store, signature.key);
  if (bytes === undefined)
    return bad({
      rule: "the signature that the record names must be there",
      where,
      saw: "nothing, or more than a signature can be",
      hint: RESTORE,
    });
  const saw = sha256(bytes);
  if (saw !== signature.digest)
    return bad({
      rule: "the signature must be the registered one",
      where,
      saw,
      allowed: signature.digest,
      hint: RESTORE,
    });
  if (verifier === undefined) return { state: "unchecked", signer: signerOf(signature) };
  const opened = verifier.open(bytes);
  if (opened.state === "bad") return bad(...opened.problems.map((problem) => ({ ...problem, where })));
  const { signer, model } = opened.value;
  const problems = compareSigned(model.files, record.files);
  return problems.length === 0 ? { state: "sound", signer } : bad(...problems);
}

const RESTORE = "it was removed or changed: do not use this version, or put the file back";

const NOT_SIGNED: Problem = {
  rule: "the version must be signed",
  saw: "it was registered without a signature",
  hint: "give register-model a `signing-key`, or `sign: keyless`, and release a new version",
};

function bad(...problems: readonly Problem[]): SignatureCheck {
  return { state: "bad", problems };
}
