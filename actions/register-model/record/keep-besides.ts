import type { VersionRecord } from "../../shared/domain/model-version.ts";
import { signerFields } from "../../shared/domain/signing/signer.ts";
import { sha256 } from "../../shared/lib/hash.ts";
import { keepBeside } from "../../shared/lib/model-registry/beside.ts";
import type { ModelSigner } from "../../shared/ports/model-signing.ts";
import type { ModelStore } from "../../shared/ports/model-store.ts";
import type { Prepared } from "../prepare/prepare.ts";
import type { Ports } from "../step.ts";

/** Writes the model card and, where somebody signs, the signature, both before the record that names them. */
export async function keepBesides(
  { store, writeCard }: Ports,
  { card: own, signer }: Prepared,
  facts: VersionRecord,
): Promise<Pick<VersionRecord, "card" | "signatures">> {
  const card = await keepCard(store, facts, writeCard(facts, own));
  return signer === undefined ? { card } : { card, signatures: [await keepSignature(store, facts, signer)] };
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

async function keepSignature(store: ModelStore, facts: VersionRecord, signer: ModelSigner) {
  const { model: name, version, digest, files } = facts;
  const model = { name, digest, files };
  const { bytes, identity, signer: signed } = await signer.sign(model);
  const own = sha256(bytes);
  const kept = await keepBeside(store, {
    name,
    version,
    kind: "signatures",
    file: "model.sig",
    bytes,
    identity,
    isSame: (there) => sha256(there) === own || signer.mayStand(there, model),
  });
  return { ...kept, ...signerFields(signed) };
}
