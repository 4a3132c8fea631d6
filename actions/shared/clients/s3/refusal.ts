import { formatDuration } from "../../domain/quantity.ts";
import { S3_ACCESS, type S3Operation } from "../../domain/s3-access.ts";
import { type ErrorCode, ReleaseError } from "../../lib/error.ts";

/** What came back, or did not: as the SDK tells it, without what it was sent. */
export type SeenFailure = {
  /** S3's own code, or the name of what failed on the way: `AccessDenied`, `ECONNREFUSED`. */
  readonly code: string;
  readonly status: number | undefined;
  readonly message: string;
  /** The region that the server says the bucket is in. */
  readonly region: string | undefined;
  /** The server's clock less ours. */
  readonly serverAheadMs: number | undefined;
  readonly retryAfterMs: number | undefined;
};

export type Asked = {
  readonly does: S3Operation;
  /** `s3://bucket/prefix/key` */
  readonly address: string;
  /** `https://host`, as it is shown. */
  readonly server: string;
  readonly bucket: string;
  /** `s3://bucket/prefix` */
  readonly store: string;
  readonly words: Words;
};

/** How the user named the server, and what to correct. */
export type Words = {
  readonly input: string;
  readonly place: string;
  readonly server: string;
  readonly credential: string;
  readonly policy: string;
};

export const STORE_WORDS: Words = {
  input: "store",
  place: "the store",
  server: "`store` and AWS_ENDPOINT_URL_S3",
  credential:
    "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN in the job's env: a secret that is not set is empty there",
  policy: ": roles/model-store-s3.json has the whole policy",
};

/**
 * `missing`, `condition`, `conflict`: answers, in a way. `unavailable`: nobody knows whether it took place.
 * `conflict`: another write was under way at that moment; it did not take place, and may be tried again.
 */
export type Failure =
  | { readonly state: "missing" }
  | { readonly state: "condition" }
  | { readonly state: "conflict"; readonly error: ReleaseError }
  | { readonly state: "unavailable"; readonly error: ReleaseError; readonly retryAfterMs: number | undefined }
  | { readonly state: "refused"; readonly error: ReleaseError; readonly seen: SeenFailure };

/** What a failure means. Pure. */
export function failureOf(seen: SeenFailure, asked: Asked): Failure {
  const { code, status } = seen;
  if (code === "NoSuchKey" || code === "NoSuchUpload") return { state: "missing" };
  // HEAD has no body, so no code: the bucket's absence looks the same and is told by the next request that has one.
  if (status === 404 && code !== "NoSuchBucket") return { state: "missing" };
  if (status === 412) return { state: "condition" };
  const row = ROWS.find(({ codes }) => codes.test(code));
  if (row !== undefined) return { state: "refused", error: told(row, { seen, asked }), seen };
  if (status === 409) return { state: "conflict", error: told(CONFLICT, { seen, asked }) };
  if (isUnavailable(seen)) {
    const error = told(UNAVAILABLE, { seen, asked });
    return { state: "unavailable", error, retryAfterMs: seen.retryAfterMs };
  }
  const other = status === 401 || status === 403 ? DENIED : PROTOCOL;
  return { state: "refused", error: told(other, { seen, asked }), seen };
}

/** Damaged on its way (a digest that does not match) is worth another try, as is everything that a server calls its own fault. */
function isUnavailable({ code, status }: SeenFailure): boolean {
  if (/^(BadDigest|IncompleteBody|RequestTimeout|SlowDown|Throttling\w*|InternalError)$/.test(code)) return true;
  if (status === undefined || status === 200) return true;
  return status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501);
}

type Told = { readonly seen: SeenFailure; readonly asked: Asked };

type Row = {
  readonly code: ErrorCode;
  readonly rule: (told: Told) => string;
  readonly saw?: (told: Told) => string;
  readonly allowed?: (told: Told) => string | undefined;
  readonly hint: (told: Told) => string;
};

const DENIED: Row = {
  code: "AUTH",
  rule: ({ asked }) =>
    `${asked.server} does not let this credential ${VERBS[S3_ACCESS[asked.does].action]} ${asked.words.place}`,
  hint: ({ asked }) =>
    `allow ${S3_ACCESS[asked.does].action} on ${S3_ACCESS[asked.does].on === "bucket" ? `the bucket ${asked.bucket}` : `${asked.store}/*`}${asked.words.policy}`,
};

const VERBS: Readonly<Record<(typeof S3_ACCESS)[S3Operation]["action"], string>> = {
  "s3:GetObject": "read",
  "s3:ListBucket": "list",
  "s3:PutObject": "write",
  "s3:ListMultipartUploadParts": "list what was sent of a file to",
  "s3:AbortMultipartUpload": "take back a part of a file in",
  "s3:DeleteObject": "remove from",
};

const CONFLICT: Row = {
  code: "CONFLICT",
  rule: ({ asked }) => `${asked.server} says that other writes of this key are under way`,
  hint: () => "run the step again",
};

const UNAVAILABLE: Row = {
  code: "UNAVAILABLE",
  rule: ({ asked }) => `${asked.server} is not available`,
  hint: ({ asked }) => `check ${asked.words.server}, and whether the server is up; then run the step again`,
};

const PROTOCOL: Row = {
  code: "PROTOCOL",
  rule: ({ asked }) => `${asked.server} did not answer as S3 promises`,
  hint: ({ asked }) => `it was asked for ${asked.does}; check that it speaks S3`,
};

const ROWS: readonly (Row & { readonly codes: RegExp })[] = [
  {
    codes: /^NoSuchBucket$/,
    code: "NOT_FOUND",
    rule: ({ asked }) => `the bucket ${asked.bucket} does not exist at ${asked.server}`,
    hint: ({ asked }) => `create it, or correct the bucket in \`${asked.words.input}\`; these actions make no bucket`,
  },
  {
    codes: /^(AccessDenied|AllAccessDisabled|AccountProblem|Forbidden|XMinioAccessDenied)$/,
    ...DENIED,
  },
  {
    codes: /^(ExpiredToken|ExpiredTokenException|TokenRefreshRequired|RequestExpired)$/,
    code: "AUTH",
    rule: ({ asked }) => `the session token for ${asked.server} has expired`,
    hint: () =>
      "get a new one before this step, for longer than the step takes; or let the job log in by web identity (AWS_ROLE_ARN with AWS_WEB_IDENTITY_TOKEN_FILE), which is renewed by itself",
  },
  {
    codes: /^(InvalidAccessKeyId|InvalidToken|InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch)$/,
    code: "AUTH",
    rule: ({ asked }) => `${asked.server} does not know this credential`,
    hint: ({ asked }) => `check ${asked.words.credential}`,
  },
  {
    codes:
      /^(CredentialsProviderError|ExpiredTokenError|IDPCommunicationError|IDPRejectedClaim\w*|InvalidIdentityToken\w*)$/,
    code: "AUTH",
    rule: () => "no credential for S3 could be had",
    hint: () =>
      "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or AWS_ROLE_ARN with AWS_WEB_IDENTITY_TOKEN_FILE in the job's env (aws-actions/configure-aws-credentials sets them)",
  },
  {
    codes: /^RequestTimeTooSkewed$/,
    code: "CONFIG",
    rule: ({ asked }) => `the clock of this machine and that of ${asked.server} differ too much`,
    saw: ({ seen }) => skew(seen.serverAheadMs),
    allowed: () => "15 min",
    hint: () => "set this machine's clock (timedatectl set-ntp true)",
  },
  {
    codes:
      /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|TemporaryRedirect|301)$/,
    code: "CONFIG",
    rule: ({ asked }) => `the bucket ${asked.bucket} is in another region than the one that was asked`,
    allowed: ({ seen }) => seen.region,
    hint: ({ seen, asked }) =>
      `set AWS_REGION to ${seen.region ?? "the bucket's region"}, or add ?region=… to \`${asked.words.input}\``,
  },
  {
    codes: /^RegionMissing$/,
    code: "CONFIG",
    rule: ({ asked }) => `the region of the bucket ${asked.bucket} is not known`,
    saw: () => "nothing",
    hint: ({ asked }) => `set AWS_REGION in the job's env, or add ?region=… to \`${asked.words.input}\``,
  },
  {
    codes: /^(InvalidBucketName)$/,
    code: "CONFIG",
    rule: ({ asked }) => `${asked.bucket} is no name of a bucket`,
    hint: ({ asked }) => `correct the bucket in \`${asked.words.input}\``,
  },
  {
    codes: /^KMS\./,
    code: "AUTH",
    rule: () => "the key that the store's objects are encrypted with may not be used",
    hint: () =>
      "allow kms:GenerateDataKey and kms:Decrypt on the key that `store` names (kms-key), and check its region",
  },
  {
    codes: /^(QuotaExceeded|ServiceQuotaExceeded\w*|InsufficientStorage|XMinioStorageFull|EntityTooLarge)$/,
    code: "STORAGE",
    rule: ({ asked }) => `${asked.server} has no room for this`,
    hint: () => "raise the bucket's quota, or remove versions that nobody needs",
  },
  {
    codes:
      /^(UNABLE_TO_\w+|SELF_SIGNED_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_\w+|ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH|INVALID_CA)$/,
    code: "CONFIG",
    rule: ({ asked }) => `${asked.server} has a certificate that is not trusted`,
    hint: () =>
      "use the name that the certificate is for; or give the file of the authority that signed it as AWS_CA_BUNDLE in the job's env",
  },
];

function told(row: Row, facts: Told): ReleaseError {
  const { seen, asked } = facts;
  const words = seen.message === "" || seen.message === seen.code ? seen.code : `${seen.code}: ${seen.message}`;
  const allowed = row.allowed?.(facts);
  // What one key met is told with the key; what is wrong with bucket, credential or server, with the input.
  const isOfKey = ["UNAVAILABLE", "CONFLICT", "PROTOCOL", "STORAGE"].includes(row.code) || row.rule === DENIED.rule;
  return new ReleaseError(row.code, {
    rule: row.rule(facts),
    where: isOfKey ? { file: asked.address } : { input: asked.words.input },
    saw: row.saw?.(facts) ?? words.replaceAll(/\s+/g, " ").slice(0, 300),
    ...(allowed === undefined ? {} : { allowed }),
    hint: row.hint(facts),
  });
}

function skew(serverAheadMs: number | undefined): string {
  if (serverAheadMs === undefined) return "a difference that the server does not tell";
  const amount = formatDuration(Math.abs(serverAheadMs));
  return `this machine is ${amount} ${serverAheadMs > 0 ? "behind" : "ahead"}`;
}
