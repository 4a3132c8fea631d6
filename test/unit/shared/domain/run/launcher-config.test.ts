import * as v from "valibot";
import { describe, expect, test } from "vitest";
import {
  launcherBucket,
  type Providers,
  ProvidersSchema,
} from "../../../../../actions/shared/domain/run/launcher-config.ts";

const secretRef = { secretName: "keys", accessKeyKey: "id", secretKeyKey: "secret" };
const credentials = { fromEnv: false, secretRef };
const secret = { name: "keys", accessKey: "id", secretKey: "secret" };

function bucketOf(providers: unknown, place = "s3://models/team-a/run/model") {
  const [, scheme, bucket, key] = /^(\w+):\/\/([^/]+)\/(.*)$/.exec(place) ?? [];
  return launcherBucket(v.parse(ProvidersSchema, providers) as Providers, {
    scheme: scheme as "s3",
    bucket: bucket ?? "",
    key: key ?? "",
  });
}

describe("the launcher reaches a bucket", () => {
  test.each<[string, unknown, object]>([
    ["by nothing of its own where nothing is configured", undefined, {}],
    [
      "by the default of the scheme",
      { s3: { default: { endpoint: "minio.example:9000", region: "eu-1", disableSSL: true, credentials } } },
      { endpoint: "http://minio.example:9000", region: "eu-1", addressing: "path", secret },
    ],
    [
      "over TLS unless that is disabled",
      { s3: { default: { endpoint: "minio.example", forcePathStyle: false, credentials } } },
      { endpoint: "https://minio.example", addressing: "host", secret },
    ],
    [
      "at Amazon in the region of the bucket",
      { s3: { default: { endpoint: "s3.amazonaws.com", region: "us-east-2", credentials: { fromEnv: true } } } },
      { endpoint: "https://s3.us-east-2.amazonaws.com", region: "us-east-2", addressing: "path" },
    ],
    [
      "with the secret of the first override that the address falls under",
      {
        s3: {
          default: { endpoint: "https://one.example", credentials },
          overrides: [
            { bucketName: "other", credentials: { secretRef: { ...secretRef, secretName: "no" } } },
            { bucketName: "models", keyPrefix: "team", credentials: { secretRef: { ...secretRef, secretName: "no" } } },
            {
              bucketName: "models",
              keyPrefix: "team-a/",
              endpoint: "https://two.example",
              credentials: { secretRef: { ...secretRef, secretName: "a" } },
            },
            { bucketName: "models", keyPrefix: "", credentials: { secretRef: { ...secretRef, secretName: "no" } } },
          ],
        },
      },
      { endpoint: "https://two.example", addressing: "path", secret: { ...secret, name: "a" } },
    ],
    [
      "with what the pods have where an override says so",
      {
        s3: {
          default: { endpoint: "https://one.example", credentials },
          Overrides: [{ bucketName: "models", keyPrefix: "", credentials: { fromEnv: true } }],
        },
      },
      { endpoint: "https://one.example", addressing: "path" },
    ],
    ["not by what is said of another scheme", { minio: { default: { endpoint: "minio.example", credentials } } }, {}],
  ])("%s", (_, providers, expected) => {
    expect(bucketOf(providers)).toEqual(expected);
  });

  test("as every installation does, where nothing is said of minio", () => {
    const expected = {
      endpoint: "http://minio-service.kubeflow:9000",
      region: "minio",
      addressing: "path",
      secret: { name: "mlpipeline-minio-artifact", accessKey: "accesskey", secretKey: "secretkey" },
    };
    expect(
      bucketOf({ s3: { default: { endpoint: "s3.example", credentials } } }, "minio://mlpipeline/v2/model"),
    ).toEqual(expected);
    expect(bucketOf(null, "minio://mlpipeline/v2/model")).toEqual(expected);
  });

  test("of Google by no key that S3 knows", () => {
    expect(bucketOf({ gs: { default: { credentials: { fromEnv: true } } } }, "gs://models/a")).toEqual({});
  });
});
