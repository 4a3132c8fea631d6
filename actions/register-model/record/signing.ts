import type { VersionRecord } from "../../shared/domain/model-version.ts";
import type { Finding } from "../../shared/domain/report.ts";
import { formatSigner, isSameSigner, type Signer, signerOf } from "../../shared/domain/signing/signer.ts";
import type { ModelStore } from "../../shared/ports/model-store.ts";

/** What a signer comes to where the version is registered already: its record never changes. */
export function signingFindings(existing: VersionRecord | undefined, signer: Signer | undefined): readonly Finding[] {
  if (existing === undefined || signer === undefined) return [];
  const own = recordedSigner(existing);
  if (own !== undefined && isSameSigner(own, signer)) return [];
  const what = own === undefined ? "without a signature" : `with another signature, signed ${formatSigner(own)}`;
  const message = `${existing.model} ${existing.version} was registered ${what}, and stays so: release a new version to have it signed ${formatSigner(signer)}`;
  return [{ level: "notice", message }];
}

/** Whom the signature of a version is of. */
export function recordedSigner({ signatures = [] }: VersionRecord): Signer | undefined {
  return signatures[0] && signerOf(signatures[0]);
}

/** Where the signature of a version lies, as other programs find it. */
export function signatureOf(store: ModelStore, { signatures = [] }: VersionRecord): string | undefined {
  return signatures[0] === undefined ? undefined : store.address(signatures[0].key);
}
