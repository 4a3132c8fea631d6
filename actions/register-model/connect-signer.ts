import { ReleaseError } from "../shared/lib/error.ts";
import type { ModelSigner } from "../shared/ports/model-signing.ts";
import type { Step } from "../shared/ports/step.ts";
import type { RegisterModelInputs } from "./inputs.ts";

type SigningStep = Step<RegisterModelInputs>;

/** Whoever signs the version; undefined where nobody does. Throws `INPUT` for a key that is none, `AUTH` where the job cannot say who it is. */
export async function connectSigner(step: SigningStep): Promise<ModelSigner | undefined> {
  const { sign, "signing-key": pem, "signing-key-passphrase": passphrase } = step.inputs;
  if (sign === "keyless") return await keylessSigner(step);
  if (pem !== undefined) return await keySigner(pem, passphrase);
  if (passphrase === undefined && sign === "auto") return undefined;
  throw new ReleaseError("INPUT", {
    rule: sign === "key" ? "`sign: key` needs a key" : "a passphrase needs the key that it opens",
    where: { input: "signing-key" },
    saw: "nothing",
    hint: "set `signing-key`; a secret that does not exist is an empty text",
  });
}

async function keySigner(pem: string, passphrase: string | undefined): Promise<ModelSigner> {
  const [{ readSigningKey }, { keySigner: signerOf }] = await Promise.all([
    import("../shared/lib/model-signing/keys.ts"),
    import("../shared/lib/model-signing/sign-with-key.ts"),
  ]);
  return signerOf(readSigningKey({ pem, passphrase }));
}

async function keylessSigner({ inputs, job, mask, signal }: SigningStep): Promise<ModelSigner> {
  if (inputs["signing-key"] !== undefined)
    throw new ReleaseError("INPUT", {
      rule: "a version is signed with a key or without one",
      where: { input: "signing-key" },
      saw: "a key beside `sign: keyless`",
      hint: "leave out one of the two",
    });
  const [{ ID_TOKEN_VARIABLES, requestIdToken }, { AUDIENCE }, { keylessSigner: signerOf }] = await Promise.all([
    import("../shared/clients/github/id-token.ts"),
    import("../shared/clients/sigstore/identity.ts"),
    import("../shared/clients/sigstore/signer.ts"),
  ]);
  return await signerOf({
    services: { fulcio: inputs["fulcio-url"], rekor: inputs["rekor-url"], tsa: inputs["tsa-url"] },
    serverUrl: job.github.serverUrl,
    signal,
    async fetchToken() {
      const token = await requestIdToken({ env: job.envOf(ID_TOKEN_VARIABLES), audience: AUDIENCE, mask, signal });
      if (token !== undefined) return token;
      throw new ReleaseError("AUTH", {
        rule: "`sign: keyless` signs as the job, which must be able to say who it is",
        where: { input: "sign" },
        saw: "no ACTIONS_ID_TOKEN_REQUEST_URL",
        hint: "give the job `permissions: { contents: read, id-token: write }`, or sign with a `signing-key`",
      });
    },
  });
}
