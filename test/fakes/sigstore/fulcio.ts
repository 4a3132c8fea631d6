import { createPublicKey, verify } from "node:crypto";
import type { CA } from "@sigstore/mock/dist/fulcio/ca.js";
import { fulcioHandler } from "@sigstore/mock/dist/fulcio/handler.js";
import type { Claims, Tokens } from "./tokens.ts";

type Request = {
  readonly credentials?: { readonly oidcIdentityToken: string };
  readonly publicKeyRequest?: {
    readonly publicKey: { readonly content: string };
    readonly proofOfPossession: string;
  };
  readonly certificateSigningRequest?: string;
};

type Authority = { readonly ca: CA; readonly tokens: Tokens };
type Asked = { readonly body: string; readonly authorization: string | undefined };

/** Answers `POST /api/v2/signingCert`: a certificate for whoever has a token and the key. Throws for what Fulcio would refuse. */
export async function certify({ body, authorization = "" }: Asked, { ca, tokens }: Authority) {
  const { credentials, publicKeyRequest: asked, certificateSigningRequest: csr } = JSON.parse(body) as Request;
  const token = credentials?.oidcIdentityToken ?? authorization.replace("Bearer ", "");
  const claims = tokens.check(token, "sigstore");
  // A request in PKCS #10 proves by its own signature that its maker has the key; that one is read by the mock.
  if (asked !== undefined) {
    const key = createPublicKey(asked.publicKey.content);
    if (!verify("sha256", Buffer.from(String(claims.sub)), key, Buffer.from(asked.proofOfPossession, "base64")))
      throw new Error("the proof of possession does not fit");
  }
  const stated = { oidcIdentityToken: unsigned({ ...claims, sub: nameOf(claims) }) };
  const how = asked === undefined ? { certificateSigningRequest: pemOf(csr) } : { publicKeyRequest: asked };
  return await fulcioHandler(ca).fn(JSON.stringify({ ...how, credentials: stated }));
}

const pemOf = (csr = "") => Buffer.from(csr, "base64").toString();

/** Whom Fulcio names in a certificate for a workflow. */
function nameOf({ job_workflow_ref: workflow }: Claims): string {
  return `https://github.com/${workflow}`;
}

/** The mock reads tokens, and checks none. */
function unsigned(claims: Claims): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part(claims)}.`;
}
