import type { VersionRecord } from "../shared/domain/model-version.ts";
import { sha256 } from "../shared/lib/hash.ts";
import { keepBeside } from "../shared/lib/model-registry/beside.ts";
import type { SigningKey } from "../shared/lib/model-signing/keys.ts";
import { compareSigned, openSignature, signModel } from "../shared/lib/model-signing/signature.ts";
import type { ModelStore } from "../shared/ports/model-store.ts";
import type { Prepared } from "./prepare.ts";
import type { Ports } from "./step.ts";

/** Writes the model card and, where there is a key, the signature, both before the record that names them. */
export async function keepBesides(
  { store, writeCard }: Ports,
  { card: own, signingKey }: Prepared,
  facts: VersionRecord,
): Promise<Pick<VersionRecord, "card" | "signatures">> {
  const card = await keepCard(store, facts, writeCard(facts, own));
  if (signingKey === undefined) return { card };
  return { card, signatures: [{ ...(await keepSignature(store, facts, signingKey)), publicKey: signingKey.id }] };
}

async function keepCard(store: ModelStore, { model: name, version }: VersionRecord, text: string) {
  const bytes = new TextEncoder().encode(text);
  const digest = sha256(bytes);
  return keepBeside(store, {
    name,
    version,
    kind: "cards",
    file: "MODEL_CARD.md",
    bytes,
    identity: digest,
    isSame: (there) => sha256(there) === digest,
  });
}

/** One that an earlier attempt made with this key for these files is kept: another one would differ in every byte, and say the same. */
async function keepSignature(store: ModelStore, facts: VersionRecord, key: SigningKey) {
  const { model: name, version, digest, files } = facts;
  return keepBeside(store, {
    name,
    version,
    kind: "signatures",
    file: "model.sig",
    bytes: signModel({ name, digest, files }, key),
    identity: sha256(`${digest} ${key.id}`),
    isSame: (there) => {
      const opened = openSignature(there, key);
      return (
        opened.state === "ok" && opened.value.digest === digest && compareSigned(opened.value.files, files).length === 0
      );
    },
  });
}
