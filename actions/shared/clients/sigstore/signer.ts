import { createPublicKey, verify, X509Certificate } from "node:crypto";
import { bundleToJSON } from "@sigstore/bundle";
import { DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness } from "@sigstore/sign";
import { preAuthEncoding } from "../../domain/signing/bundle.ts";
import { formatStatement, PAYLOAD_TYPE, type SignedModel } from "../../domain/signing/statement.ts";
import { ReleaseError } from "../../lib/error.ts";
import { sha256 } from "../../lib/hash.ts";
import type { ModelSigner, SignedBundle } from "../../ports/model-signing.ts";
import { certified } from "./certificate.ts";
import { explainFailure } from "./failure.ts";
import { type Identity, identityOf } from "./identity.ts";

export type Sigstore = {
  /** The certificate authority, the transparency log, and where the log gives no time a timestamp authority. */
  readonly fulcio: string;
  readonly rekor: string;
  readonly tsa: string | undefined;
};

export type Keyless = {
  readonly services: Sigstore;
  /** A token that says who signs, for the audience `sigstore`. Asked for twice: at the start, and when the files are there. */
  readonly fetchToken: () => Promise<string>;
  /** Of the server whose workflows sign. */
  readonly serverUrl: string;
  readonly signal: AbortSignal;
  /** Waited between attempts, doubled each time. Default 500 ms. */
  readonly retryMs?: number;
};

/** Signs as the job's identity, with a key that lives as long as the signature takes. */
export async function keylessSigner(keyless: Keyless): Promise<ModelSigner> {
  const signer = identityOf(await keyless.fetchToken(), keyless.serverUrl);
  const made = new Map<string, Promise<SignedBundle>>();
  return {
    signer,
    sign(model) {
      // The log is for ever and open to all: one entry for what says the same.
      const kept = made.get(model.digest) ?? signModel(model, keyless);
      made.set(model.digest, kept);
      return kept;
    },
    // Nothing says that it was not put there by others; only who trusts a root could tell.
    mayStand: () => false,
  };
}

async function signModel(model: SignedModel, keyless: Keyless): Promise<SignedBundle> {
  const payload = Buffer.from(formatStatement(model));
  // The first token may have ended while many gigabytes were copied.
  const token = await keyless.fetchToken();
  const building = builder(keyless, token).create({ data: payload, type: PAYLOAD_TYPE });
  const bundle = await orAborted(building, keyless.signal).catch((error: unknown) => {
    throw explainFailure(error);
  });
  const { content } = bundle.verificationMaterial;
  const der = content.$case === "certificate" ? content.certificate.rawBytes : new Uint8Array();
  const identity = checkCertificate(der, payload, bundle.content.dsseEnvelope.signatures[0]?.sig);
  const bytes = Buffer.from(JSON.stringify(bundleToJSON(bundle)));
  return { bytes, signer: identity, identity: sha256(bytes) };
}

function builder({ services, retryMs = 500 }: Keyless, token: string): DSSEBundleBuilder {
  const calls = { retry: { retries: 3, minTimeout: retryMs }, timeout: 30_000 };
  return new DSSEBundleBuilder({
    signer: new FulcioSigner({
      fulcioBaseURL: services.fulcio,
      identityProvider: { getToken: async () => token },
      ...calls,
    }),
    witnesses: [
      new RekorWitness({ rekorBaseURL: services.rekor, ...calls }),
      ...(services.tsa === undefined ? [] : [new TSAWitness({ tsaBaseURL: services.tsa, ...calls })]),
    ],
  });
}

/** A certificate on another key, or of nobody, would make a signature that nobody can verify. */
function checkCertificate(der: Uint8Array, payload: Uint8Array, signature: Uint8Array | undefined): Identity {
  const identity = certified(der);
  if (identity !== undefined && signature !== undefined && isSigned(der, preAuthEncoding(payload), signature))
    return identity;
  throw new ReleaseError("PROTOCOL", {
    rule: "the certificate authority (Fulcio) must certify the key that signed, and whom it is of",
    saw: identity === undefined ? "a certificate that names nobody" : "a certificate on another key",
    hint: "check `fulcio-url`",
  });
}

function isSigned(der: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey(new X509Certificate(der).publicKey.export({ type: "spki", format: "pem" }));
  return verify("sha256", bytes, key, signature);
}

async function orAborted<T>(act: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([act, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
