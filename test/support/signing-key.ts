import { generateKeyPairSync } from "node:crypto";

export type KeyPair = { readonly privatePem: string; readonly publicPem: string };

export type KeyOptions = {
  readonly curve?: "P-256" | "P-384" | "P-521" | "secp256k1";
  readonly type?: "pkcs8" | "sec1";
  readonly passphrase?: string;
};

/** A new EC key as OpenSSL would write it. */
export function keyPair({ curve = "P-256", type = "pkcs8", passphrase }: KeyOptions = {}): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: curve });
  const lock = passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase };
  return {
    privatePem: privateKey.export({ type, format: "pem", ...lock }) as string,
    publicPem: publicKey.export({ type: "spki", format: "pem" }) as string,
  };
}
