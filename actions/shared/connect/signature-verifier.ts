import type { SignatureVerifier } from "../ports/model-signing.ts";
import type { Step } from "../ports/step.ts";

/** What signatures of versions are checked with; undefined where no input says. */
export async function connectVerifier({
  inputs,
}: Step<{ readonly "verification-key": string | undefined }>): Promise<SignatureVerifier | undefined> {
  const { "verification-key": pem } = inputs;
  if (pem === undefined) return undefined;
  const [{ readVerificationKey }, { keyVerifier }] = await Promise.all([
    import("../lib/model-signing/keys.ts"),
    import("../lib/model-signing/sign-with-key.ts"),
  ]);
  return keyVerifier(readVerificationKey(pem));
}
