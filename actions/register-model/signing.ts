import type { Digest } from "../shared/domain/digest.ts";
import type { VersionRecord } from "../shared/domain/model-version.ts";
import type { Finding } from "../shared/domain/report.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import { readSigningKey, type SigningKey } from "../shared/lib/model-signing/keys.ts";
import type { ModelStore } from "../shared/ports/model-store.ts";
import type { Wishes } from "./step.ts";

/** The key to sign with; undefined where none is given. Throws `INPUT`. */
export function signingKeyOf(wishes: Wishes): SigningKey | undefined {
  const { "signing-key": pem, "signing-key-passphrase": passphrase } = wishes;
  if (pem !== undefined) return readSigningKey({ pem, passphrase });
  if (passphrase === undefined) return undefined;
  throw new ReleaseError("INPUT", {
    rule: "a passphrase needs the key that it opens",
    where: { input: "signing-key" },
    saw: "nothing",
    hint: "set `signing-key`; a secret that does not exist is an empty text",
  });
}

/** What a signing key comes to where the version is registered already: its record never changes. */
export function signingFindings(existing: VersionRecord | undefined, key: SigningKey | undefined): readonly Finding[] {
  if (existing === undefined || key === undefined) return [];
  const own = publicKeyOf(existing);
  if (own === key.id) return [];
  const what = own === undefined ? "without a signature" : `with a signature of another key, ${own}`;
  const message = `${existing.model} ${existing.version} was registered ${what}, and stays so: release a new version to have it signed with ${key.id}`;
  return [{ level: "notice", message }];
}

/** The key that a version is signed with. */
export function publicKeyOf({ signatures = [] }: VersionRecord): Digest | undefined {
  return signatures[0]?.publicKey;
}

/** Where the signature of a version lies, as other programs find it. */
export function signatureOf(store: ModelStore, { signatures = [] }: VersionRecord): string | undefined {
  return signatures[0] === undefined ? undefined : store.address(signatures[0].key);
}
