import { sign } from "node:crypto";
import * as v from "valibot";
import { decode } from "../../lib/decode.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { request, type Send } from "../../lib/http.ts";
import { expiryOf } from "../../lib/jwt.ts";
import { keptToken, type Token } from "../../lib/kept-token.ts";
import type { Clock } from "../../ports/clock.ts";
import { bearerHeaders, readToken } from "./bearer.ts";
import type { Credentials } from "./credentials.ts";
import { type GoogleKey, readGoogleKey } from "./google-key.ts";

export type Iap = {
  /** The OAuth client id of the proxy. */
  readonly audience: string;
  /** Of a service account. Default: `GOOGLE_APPLICATION_CREDENTIALS`; without one the machine's metadata server is asked. */
  readonly keyFile?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly mask: (secret: string) => void;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  readonly send?: Send;
};

/** A Google id token for a service behind Identity-Aware Proxy; made anew before it expires, after an hour as a rule. */
export function iap(options: Iap): Credentials {
  const keyFile = options.keyFile || options.env.GOOGLE_APPLICATION_CREDENTIALS;
  const from = keyFile ? `the key ${keyFile}` : "the machine's metadata server";
  const token = keptToken(async () => {
    const text = keyFile
      ? await fromKey(options, await readGoogleKey(keyFile, options.mask))
      : await fromMetadata(options);
    options.mask(text.trim());
    return withExpiry(readToken(text, from));
  }, options.clock);
  return {
    name: `the Google id token of ${from}`,
    hint: "check that the audience is the OAuth client id of this IAP, and that the service account has the role IAP-secured Web App User",
    headers: async () => bearerHeaders(await token.get()),
    renew: ({ authorization = "" }) => token.drop(authorization.replace("Bearer ", "")),
  };
}

function withExpiry(value: string): Token {
  const expiresAtMs = expiryOf(value);
  return { value, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
}

const IdTokenSchema = v.looseObject({ id_token: v.string() });

/** RFC 7523 with Google's `target_audience`. */
async function fromKey(options: Iap, key: GoogleKey): Promise<string> {
  const service = `Google's token service ${key.tokenUri.host}`;
  const answer = await (options.send ?? request)({
    service,
    url: key.tokenUri,
    method: "POST",
    // Asking twice makes two tokens, and nothing else.
    attempts: 4,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: assertionOf(key, options),
    }).toString(),
    explain: ({ status, text }) => (status === 400 || status === 401 ? refusedKey(key, text) : undefined),
    clock: options.clock,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  return decode(IdTokenSchema, answer.json(), service).id_token;
}

function assertionOf({ email, privateKey, keyId, tokenUri }: GoogleKey, { audience, clock, mask }: Iap): string {
  const now = Math.floor(clock.now() / 1_000);
  const claims = { iss: email, sub: email, aud: tokenUri.href, iat: now, exp: now + 3_600, target_audience: audience };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "RS256", typ: "JWT", kid: keyId })}.${part(claims)}`;
  const assertion = `${signed}.${signatureOf(signed, privateKey)}`;
  mask(assertion);
  return assertion;
}

function signatureOf(text: string, privateKey: string): string {
  try {
    return sign("sha256", Buffer.from(text), privateKey).toString("base64url");
  } catch {
    // No cause: it may quote the key.
    throw new ReleaseError("CONFIG", {
      rule: "private_key of the Google key file is no key",
      hint: "line breaks in it must be \\n, as in the file that Google's console gives",
    });
  }
}

const RefusalSchema = v.looseObject({ error: v.string(), error_description: v.optional(v.string(), "") });

function refusedKey({ email }: GoogleKey, text: string): ReleaseError {
  const said = v.safeParse(v.pipe(v.string(), v.parseJson(), RefusalSchema), text);
  return new ReleaseError("AUTH", {
    rule: `Google refused the key of ${email}`,
    saw: said.success ? `${said.output.error} ${said.output.error_description}`.trim().slice(0, 200) : "no reason",
    hint: "check that the key was not deleted, and that the clock of this machine is right",
  });
}

async function fromMetadata({ audience, env, clock, signal, send = request }: Iap): Promise<string> {
  const host = env.GCE_METADATA_HOST || "metadata.google.internal";
  const url = new URL(`http://${host}/computeMetadata/v1/instance/service-accounts/default/identity`);
  url.searchParams.set("audience", audience);
  url.searchParams.set("format", "full");
  const hint =
    "run on a machine of Google's that has a service account, or name a key file (GOOGLE_APPLICATION_CREDENTIALS), or use token-command";
  try {
    const answer = await send({
      service: "Google's metadata server",
      url,
      headers: { "metadata-flavor": "Google" },
      timeoutMs: 5_000,
      redirect: "manual",
      hints: { NOT_FOUND: hint },
      clock,
      ...(signal === undefined ? {} : { signal }),
    });
    if (answer.headers.get("metadata-flavor") === "Google") return answer.text();
    throw new ReleaseError("PROTOCOL", { rule: `${host} is not Google's metadata server`, hint });
  } catch (error) {
    if (!isReleaseError(error, "UNAVAILABLE")) throw error;
    throw new ReleaseError(
      "UNAVAILABLE",
      error.problems.map((problem) => ({ ...problem, hint })),
      error,
    );
  }
}
