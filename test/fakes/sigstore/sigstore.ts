import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { initializeCA } from "@sigstore/mock/dist/fulcio/ca.js";
import { initializeCTLog } from "@sigstore/mock/dist/fulcio/ctlog.js";
import { tsaHandler } from "@sigstore/mock/dist/timestamp/handler.js";
import { initializeTSA } from "@sigstore/mock/dist/timestamp/tsa.js";
import { startServer } from "../../support/http-server.ts";
import { certify } from "./fulcio.ts";
import { transparencyLog } from "./rekor.ts";
import { type Claims, type Tokens, tokenIssuer } from "./tokens.ts";
import { type TufOptions, tufRepository } from "./tuf.ts";

export const ISSUER = "https://token.actions.githubusercontent.com";
const WORKFLOW = "acme/digits/.github/workflows/release.yml@refs/tags/v1.0.0";
/** What the log signs its checkpoints as. */
const ORIGIN = "rekor.test";
/** Whom the fake's certificates name. */
export const IDENTITY = `https://github.com/${WORKFLOW}`;

const STANDING: Claims = {
  iss: ISSUER,
  sub: "repo:acme/digits:ref:refs/tags/v1.0.0",
  job_workflow_ref: WORKFLOW,
  repository: "acme/digits",
  run_id: "812",
};

/** What to answer in place of the truth; undefined: the truth. */
export type Fault = (path: string, nth: number) => { readonly status: number; readonly body: string } | undefined;

export type Faults = { readonly answer?: Fault; readonly tuf?: TufOptions };

export type FakeSigstore = {
  readonly url: string;
  readonly tokens: Tokens;
  /** The variables by which a job asks for its token here. */
  readonly env: Readonly<Record<string, string>>;
  readonly trustedRoot: string;
  /** The same with the addresses of the services, as `--trust_config` of `model_signing` wants it. */
  readonly trustConfig: string;
  /** The variables that lead to the same root by its TUF repository. */
  readonly tufEnv: Readonly<Record<string, string>>;
  /** Entries of the transparency log. */
  readonly entries: () => number;
  /** The paths that were asked for. */
  readonly asked: readonly string[];
};

/** Ended with the test. */
export async function fakeSigstore({ answer: fault = () => undefined, tuf = {} }: Faults = {}): Promise<FakeSigstore> {
  const keys = { ca: pair(), ct: pair(), log: pair(), tsa: pair() };
  const ctLog = await initializeCTLog(keys.ct);
  const ca = await initializeCA(keys.ca, ctLog);
  // Whole seconds, as real ones give them: the mock writes fractions that readers refuse.
  const clock = new Date(0);
  const tsa = await initializeTSA(keys.tsa, clock);
  const tokens = tokenIssuer(STANDING);
  const log = transparencyLog(ORIGIN, keys.log);
  const asked: string[] = [];
  const secret = "the-secret-of-the-job";

  async function truth(path: string, request: IncomingMessage, body: string) {
    switch (path) {
      case "/api/v2/signingCert":
        return await certify({ body, authorization: request.headers.authorization }, { ca, tokens });
      case "/api/v1/log/entries":
        return { statusCode: 201, response: JSON.stringify(log.add(JSON.parse(body))) };
      case "/api/v1/timestamp":
        clock.setTime(Math.floor(Date.now() / 1000) * 1000);
        return await tsaHandler(tsa).fn(body);
      case "/.well-known/openid-configuration":
        return {
          statusCode: 200,
          response: JSON.stringify({ authorization_endpoint: `${url}/auth`, token_endpoint: `${url}/token` }),
        };
      case "/token": {
        if (request.headers.authorization !== `Bearer ${secret}`) return { statusCode: 403, response: "{}" };
        const audience = new URL(request.url ?? "", "http://x").searchParams.get("audience") ?? "";
        return { statusCode: 200, response: JSON.stringify({ value: tokens.issue(audience) }) };
      }
      default: {
        const file = path.startsWith("/tuf/") ? repository.files.get(path.slice("/tuf/".length)) : undefined;
        return file === undefined ? { statusCode: 404, response: "{}" } : { statusCode: 200, response: file };
      }
    }
  }

  const url = await startServer(async (request, response) => {
    const path = (request.url ?? "").replace(/\?.*/, "");
    asked.push(path);
    const wrong = fault(path, asked.filter((one) => one === path).length);
    if (wrong !== undefined) return answer(response, wrong.status, wrong.body);
    try {
      const { statusCode, response: said } = await truth(path, request, await textOf(request));
      return answer(response, statusCode, said);
    } catch (error) {
      return answer(response, 400, JSON.stringify({ message: String(error) }));
    }
  });

  const authority = (uri: string, certificates: readonly ArrayBufferView[]) => ({
    subject: { organization: "sigstore.mock", commonName: "sigstore" },
    uri,
    certChain: { certificates: certificates.map((der) => ({ rawBytes: base64(der) })) },
    validFor: { start: "2020-01-01T00:00:00Z" },
  });
  const trustedRoot = {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: [logOf(`https://${ORIGIN}`, keys.log.publicKey)],
    certificateAuthorities: [authority(url, [ca.rootCertificate])],
    ctlogs: [logOf(url, keys.ct.publicKey)],
    timestampAuthorities: [authority(url, [tsa.intCertificate, tsa.rootCertificate])],
  };
  const repository = tufRepository({ name: "trusted_root.json", text: JSON.stringify(trustedRoot) }, tuf);
  const service = (at: string) => ({
    url: at,
    majorApiVersion: 1,
    validFor: { start: "2020-01-01T00:00:00Z" },
    operator: "sigstore.mock",
  });
  const signingConfig = {
    mediaType: "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    caUrls: [service(url)],
    oidcUrls: [service(url)],
    rekorTlogUrls: [service(url)],
    rekorTlogConfig: { selector: "ANY" },
    tsaUrls: [],
    tsaConfig: { selector: "ANY" },
  };
  return {
    url,
    tokens,
    env: { ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?api-version=2`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: secret },
    trustedRoot: JSON.stringify(trustedRoot),
    trustConfig: JSON.stringify({
      mediaType: "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
      trustedRoot,
      signingConfig,
    }),
    tufEnv: { TUF_MIRROR: `${url}/tuf`, TUF_ROOT_JSON: repository.root },
    entries: log.size,
    asked,
  };
}

const pair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });

const base64 = (bytes: ArrayBufferView) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");

function logOf(baseUrl: string, key: KeyObject) {
  const der = key.export({ type: "spki", format: "der" });
  return {
    baseUrl,
    hashAlgorithm: "SHA2_256",
    publicKey: {
      rawBytes: der.toString("base64"),
      keyDetails: "PKIX_ECDSA_P256_SHA_256",
      validFor: { start: "2020-01-01T00:00:00Z" },
    },
    logId: { keyId: createHash("sha256").update(der).digest("base64") },
  };
}

function answer(response: ServerResponse, status: number, said: string | ArrayBufferView): void {
  const body = typeof said === "string" ? said : Buffer.from(said.buffer, said.byteOffset, said.byteLength);
  response.writeHead(status, { "content-type": "application/json" }).end(body);
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
