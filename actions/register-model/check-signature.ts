import type { VersionRecord } from "../shared/domain/model-version.ts";
import type { Problem } from "../shared/domain/problem.ts";
import { sha256 } from "../shared/lib/hash.ts";
import { readSmall } from "../shared/lib/model-registry/beside.ts";
import type { VerificationKey } from "../shared/lib/model-signing/keys.ts";
import { compareSigned, openSignature } from "../shared/lib/model-signing/signature.ts";
import type { ModelStore } from "../shared/ports/model-store.ts";
import type { SignatureCheck } from "./outcome.ts";

/** Holds the signature of a version against a key, and what it is on against the record; the files themselves are read elsewhere. */
export async function checkSignature(
  store: ModelStore,
  record: VersionRecord,
  key: VerificationKey | undefined,
): Promise<SignatureCheck> {
  const signatures = record.signatures ?? [];
  const signature = signatures.find(({ publicKey }) => publicKey === key?.id) ?? signatures[0];
  if (signature === undefined) return key === undefined ? { state: "none" } : bad(NOT_SIGNED);
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
  if (key === undefined) return { state: "unchecked", publicKey: signature.publicKey };
  const opened = openSignature(bytes, key);
  if (opened.state === "bad") return bad(...opened.problems.map((problem) => ({ ...problem, where })));
  const problems = compareSigned(opened.value.files, record.files);
  return problems.length === 0 ? { state: "sound", publicKey: key.id } : bad(...problems);
}

const RESTORE = "it was removed or changed: do not use this version, or put the file back";

const NOT_SIGNED: Problem = {
  rule: "the version must be signed",
  saw: "it was registered without a signature",
  hint: "give register-model a `signing-key`, and release a new version",
};

function bad(...problems: readonly Problem[]): SignatureCheck {
  return { state: "bad", problems };
}
