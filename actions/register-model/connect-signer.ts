import { ReleaseError } from "../shared/lib/error.ts";
import type { ModelSigner } from "../shared/ports/model-signing.ts";
import type { Step } from "../shared/ports/step.ts";
import type { RegisterModelInputs } from "./inputs.ts";

/** Whoever signs the version; undefined where nobody does. Throws `INPUT` for a key that is none. */
export async function connectSigner({ inputs }: Step<RegisterModelInputs>): Promise<ModelSigner | undefined> {
  const { "signing-key": pem, "signing-key-passphrase": passphrase } = inputs;
  if (pem !== undefined) {
    const [{ readSigningKey }, { keySigner }] = await Promise.all([
      import("../shared/lib/model-signing/keys.ts"),
      import("../shared/lib/model-signing/sign-with-key.ts"),
    ]);
    return keySigner(readSigningKey({ pem, passphrase }));
  }
  if (passphrase === undefined) return undefined;
  throw new ReleaseError("INPUT", {
    rule: "a passphrase needs the key that it opens",
    where: { input: "signing-key" },
    saw: "nothing",
    hint: "set `signing-key`; a secret that does not exist is an empty text",
  });
}
