import { createHash, createHmac, createSecretKey, type KeyObject } from "node:crypto";

export type Credentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
};

export type Unsigned = {
  readonly method: string;
  readonly host: string;
  /** As it is sent: encoded once. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body in hexadecimal, or `UNSIGNED-PAYLOAD`. */
  readonly payload: string;
};

export type Signing = { readonly credentials: Credentials; readonly region: string; readonly nowMs: number };

/** Signs a request: its headers, with those of the signature. */
export type SignRequest = (request: Unsigned, signing: Signing) => Readonly<Record<string, string>>;

/** Signature version 4 in the headers, as S3 has it: every header that is given is signed. The key of a day is made once. */
export function requestSigner(): SignRequest {
  let last: { readonly of: KeyParts; readonly key: KeyObject } | undefined;
  const keyFor = (of: KeyParts) => {
    const isLast =
      last?.of.secretAccessKey === of.secretAccessKey && last.of.day === of.day && last.of.region === of.region;
    if (last === undefined || !isLast) last = { of, key: createSecretKey(keyOf(of)) };
    return last.key;
  };
  return (request, signing) => signedHeaders(request, signing, keyFor);
}

function signedHeaders(
  request: Unsigned,
  { credentials, region, nowMs }: Signing,
  keyFor: (of: KeyParts) => KeyObject,
): Readonly<Record<string, string>> {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const at = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, "");
  const day = at.slice(0, 8);
  const headers: Record<string, string> = {
    ...request.headers,
    host: request.host,
    "x-amz-content-sha256": request.payload,
    "x-amz-date": at,
    ...(sessionToken === undefined ? {} : { "x-amz-security-token": sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const signed = names.join(";");
  const canonical = [
    request.method,
    request.path,
    queryText(request.query),
    ...names.map((name) => `${name}:${headers[name]?.trim()}`),
    "",
    signed,
    request.payload,
  ].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", at, scope, createHash("sha256").update(canonical).digest("hex")].join("\n");
  const signature = createHmac("sha256", keyFor({ secretAccessKey, day, region })).update(text).digest("hex");
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope},SignedHeaders=${signed},Signature=${signature}`;
  return headers;
}

/** As it is sent and signed: sorted. */
export function queryText(query: Readonly<Record<string, string>>): string {
  return Object.keys(query)
    .sort()
    .map((name) => `${encoded(name)}=${encoded(query[name] ?? "")}`)
    .join("&");
}

/** `a/b c` as `a/b%20c`: S3 signs what is sent, encoded once, with its slashes. */
export function pathText(key: string): string {
  return key.split("/").map(encoded).join("/");
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

type KeyParts = { readonly secretAccessKey: string; readonly day: string; readonly region: string };

function keyOf({ secretAccessKey, day, region }: KeyParts): Buffer {
  const steps = [day, region, "s3", "aws4_request"];
  return steps.reduce<Buffer>(
    (key, step) => createHmac("sha256", key).update(step).digest(),
    Buffer.from(`AWS4${secretAccessKey}`),
  );
}
