import { ReleaseError } from "../lib/error.ts";
import type { SignatureVerifier } from "../ports/model-signing.ts";
import type { Step } from "../ports/step.ts";

type Wishes = {
  readonly "verification-key": string | undefined;
  readonly "verification-identity": string | undefined;
  readonly "verification-issuer": string;
  readonly "trusted-root": string | undefined;
};

type VerifyingStep = Pick<Step<Wishes>, "inputs" | "job">;

/** What signatures of versions are checked with; undefined where no input says. Throws `INPUT` and `CONFIG`. */
export async function connectVerifier(step: VerifyingStep): Promise<SignatureVerifier | undefined> {
  const { "verification-key": pem, "verification-identity": identity, "trusted-root": root } = step.inputs;
  if (identity === undefined && root !== undefined)
    throw inputError("a trusted root is for signatures of somebody", "say of whom, in `verification-identity`");
  if (identity === undefined) return pem === undefined ? undefined : await keyVerifier(pem);
  if (pem !== undefined)
    throw inputError("a signature is of a key or of an identity", "leave out `verification-key`, or this input");
  return await keylessVerifier(step, identity);
}

async function keyVerifier(pem: string): Promise<SignatureVerifier> {
  const [{ readVerificationKey }, { keyVerifier: verifierOf }] = await Promise.all([
    import("../lib/model-signing/keys.ts"),
    import("../lib/model-signing/sign-with-key.ts"),
  ]);
  return verifierOf(readVerificationKey(pem));
}

async function keylessVerifier({ inputs, job }: VerifyingStep, identity: string): Promise<SignatureVerifier> {
  const { "verification-issuer": issuer, "trusted-root": file } = inputs;
  const { keylessVerifier: verifierOf } = await import("../clients/sigstore/verifier.ts");
  return verifierOf({ identity, issuer }, file === undefined ? await publicRoot(job) : await rootsIn(file));
}

async function publicRoot({ envOf, temp }: VerifyingStep["job"]) {
  const { MIRROR_VARIABLES, fetchTrustedRoot } = await import("../clients/sigstore/public-root.ts");
  return await fetchTrustedRoot({ env: envOf(MIRROR_VARIABLES), temp });
}

const MAX_ROOT_BYTES = 4 * 1024 * 1024;

async function rootsIn(file: string) {
  const [{ readTextFile }, { readTrustedRoots }] = await Promise.all([
    import("../lib/read-text.ts"),
    import("../clients/sigstore/trusted-root.ts"),
  ]);
  return readTrustedRoots((await readTextFile(file, MAX_ROOT_BYTES)) ?? "", { file });
}

function inputError(rule: string, hint: string): ReleaseError {
  return new ReleaseError("INPUT", { rule, where: { input: "verification-identity" }, hint });
}
