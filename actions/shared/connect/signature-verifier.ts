import { ReleaseError } from "../lib/error.ts";
import type { SignatureVerifier } from "../ports/model-signing.ts";
import type { Step } from "../ports/step.ts";

type Wishes = {
  readonly "verification-key": string | undefined;
  readonly "verification-identity": string | undefined;
  readonly "verification-issuer": string;
  readonly "trusted-root": string | undefined;
};

/** What signatures of versions are checked with; undefined where no input says. Throws `INPUT` and `CONFIG`. */
export async function connectVerifier({
  inputs,
}: Pick<Step<Wishes>, "inputs">): Promise<SignatureVerifier | undefined> {
  const { "verification-key": pem, "verification-identity": identity, "trusted-root": root } = inputs;
  if (identity === undefined && root !== undefined)
    throw inputError("a trusted root is for signatures of somebody", "say of whom, in `verification-identity`");
  if (identity === undefined) return pem === undefined ? undefined : await keyVerifier(pem);
  if (pem !== undefined)
    throw inputError("a signature is of a key or of an identity", "leave out `verification-key`, or this input");
  return await keylessVerifier({ identity, issuer: inputs["verification-issuer"] }, root);
}

async function keyVerifier(pem: string): Promise<SignatureVerifier> {
  const [{ readVerificationKey }, { keyVerifier: verifierOf }] = await Promise.all([
    import("../lib/model-signing/keys.ts"),
    import("../lib/model-signing/sign-with-key.ts"),
  ]);
  return verifierOf(readVerificationKey(pem));
}

const MAX_ROOT_BYTES = 4 * 1024 * 1024;

async function keylessVerifier(
  allowed: { readonly identity: string; readonly issuer: string },
  file: string | undefined,
): Promise<SignatureVerifier> {
  if (file === undefined)
    throw inputError(
      "who certified an identity is checked with a trusted root",
      "write it with `gh attestation trusted-root > trusted-root.jsonl`, and set `trusted-root`",
    );
  const [{ readTextFile }, { readTrustedRoots }, { keylessVerifier: verifierOf }] = await Promise.all([
    import("../lib/read-text.ts"),
    import("../clients/sigstore/trusted-root.ts"),
    import("../clients/sigstore/verifier.ts"),
  ]);
  const text = (await readTextFile(file, MAX_ROOT_BYTES)) ?? "";
  return verifierOf(allowed, readTrustedRoots(text, { file }));
}

function inputError(rule: string, hint: string): ReleaseError {
  return new ReleaseError("INPUT", { rule, where: { input: "verification-identity" }, hint });
}
