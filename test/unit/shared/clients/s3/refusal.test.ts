import { describe, expect, test } from "vitest";
import {
  type Asked,
  failureOf,
  type SeenFailure,
  STORE_WORDS,
} from "../../../../../actions/shared/clients/s3/refusal.ts";

const asked: Asked = {
  does: "PutObject",
  address: "s3://models/acme/digits/versions/1.0.0.json",
  server: "https://s3.example",
  bucket: "models",
  store: "s3://models/acme",
  words: STORE_WORDS,
};

function seen(parts: Partial<SeenFailure>): SeenFailure {
  return {
    code: "UnknownError",
    status: undefined,
    message: "",
    region: undefined,
    serverAheadMs: undefined,
    retryAfterMs: undefined,
    ...parts,
  };
}

describe("what a failure means", () => {
  test.each([
    ["NoSuchKey", 404, "missing"],
    ["NotFound", 404, "missing"],
    ["NoSuchUpload", 404, "missing"],
    ["PreconditionFailed", 412, "condition"],
    ["UnknownError", 412, "condition"],
    ["ConditionalRequestConflict", 409, "conflict"],
    ["OperationAborted", 409, "conflict"],
    ["SlowDown", 503, "unavailable"],
    ["InternalError", 500, "unavailable"],
    ["InternalError", 200, "unavailable"],
    ["UnknownError", 502, "unavailable"],
    ["TooManyRequests", 429, "unavailable"],
    ["RequestTimeout", 400, "unavailable"],
    ["BadDigest", 400, "unavailable"],
    ["ECONNRESET", undefined, "unavailable"],
    ["no answer in time", undefined, "unavailable"],
    ["NotImplemented", 501, "refused"],
    ["InvalidRequest", 400, "refused"],
    ["NoSuchBucket", 404, "refused"],
    ["AccessDenied", 403, "refused"],
  ])("%s with %s: %s", (code, status, state) => {
    expect(failureOf(seen({ code, status }), asked).state).toBe(state);
  });

  test.each<readonly [seen: Partial<SeenFailure>, code: string, message: RegExp]>([
    [{ code: "NoSuchBucket", status: 404 }, "NOT_FOUND", /the bucket models does not exist.*create it/],
    [{ code: "AccessDenied", status: 403 }, "AUTH", /write the store.*allow s3:PutObject on s3:\/\/models\/acme\/\*/],
    [{ status: 403 }, "AUTH", /write the store.*allow s3:PutObject/],
    [{ code: "ExpiredToken", status: 400 }, "AUTH", /session token .* has expired.*get a new one/],
    [{ code: "InvalidAccessKeyId", status: 403 }, "AUTH", /does not know this credential.*AWS_ACCESS_KEY_ID/],
    [{ code: "SignatureDoesNotMatch", status: 403 }, "AUTH", /does not know this credential/],
    [{ code: "CredentialsProviderError" }, "AUTH", /no credential for S3 could be had.*AWS_ROLE_ARN/],
    [
      { code: "RequestTimeTooSkewed", status: 403, serverAheadMs: -3_600_000 },
      "CONFIG",
      /differ too much \(saw this machine is 1h ahead; allowed: 15 min\)/,
    ],
    [{ code: "RequestTimeTooSkewed", status: 403, serverAheadMs: 5_400_000 }, "CONFIG", /machine is 1h30m behind/],
    [
      { code: "PermanentRedirect", status: 301, region: "eu-west-1" },
      "CONFIG",
      /another region.*set AWS_REGION to eu-west-1/,
    ],
    [{ code: "AuthorizationHeaderMalformed", status: 400, region: "eu-west-1" }, "CONFIG", /AWS_REGION to eu-west-1/],
    [{ code: "KMS.DisabledException", status: 400 }, "AUTH", /encrypted.*kms:GenerateDataKey/],
    [{ code: "QuotaExceeded", status: 403 }, "STORAGE", /no room/],
    [{ code: "SELF_SIGNED_CERT_IN_CHAIN" }, "CONFIG", /certificate that is not trusted.*AWS_CA_BUNDLE/],
    [{ code: "NotImplemented", status: 501 }, "PROTOCOL", /did not answer as S3 promises.*PutObject/],
  ])("%j is told with what to do", (parts, kind, message) => {
    const failure = failureOf(seen(parts), asked);
    if (failure.state !== "refused") throw new Error(failure.state);
    expect(failure.error.code).toBe(kind);
    expect(failure.error.message).toMatch(message);
  });
});
