import { randomUUID } from "node:crypto";
import { S3 } from "@aws-sdk/client-s3";
import { parseS3Address } from "../../actions/shared/clients/s3/address.ts";
import { type S3StoreOptions, s3Store } from "../../actions/shared/clients/s3/store.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import type { ModelStore } from "../../actions/shared/ports/model-store.ts";

export type Keys = { readonly accessKeyId: string; readonly secretAccessKey: string };

/** A real server of S3 on loopback, and one who may do everything there. */
export type S3Server = {
  readonly endpoint: string;
  readonly keys: Keys;
  readonly admin: S3;
  stop(): Promise<void>;
};

export function adminOf(endpoint: string, credentials: Keys, ca?: string): S3 {
  return new S3({
    endpoint,
    credentials,
    region: "us-east-1",
    forcePathStyle: true,
    ...(ca === undefined ? {} : { requestHandler: { httpsAgent: { ca } } }),
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
}

/** A new bucket; with versions where asked for. */
export async function newBucket(
  { admin }: S3Server,
  versioning: "versions" | "no versions" = "no versions",
): Promise<string> {
  const Bucket = `b-${randomUUID()}`;
  await admin.createBucket({ Bucket });
  if (versioning === "versions")
    await admin.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Enabled" } });
  return Bucket;
}

export type TestStore = Partial<S3StoreOptions> & {
  readonly server: Pick<S3Server, "endpoint" | "keys">;
  readonly bucket: string;
  /** `prefix?setting=value` */
  readonly rest?: string;
  readonly lines?: string[];
};

/** Our store there, with the server's keys unless others are given. */
export function storeAt({ server, bucket, rest = "models", lines = [], ...options }: TestStore): ModelStore {
  const say = (line: string) => void lines.push(line);
  return s3Store({
    address: parseS3Address(`s3://${bucket}/${rest}`),
    env: envOf(server),
    clock: systemClock,
    log: { debug: say, info: say, warn: say },
    ...options,
  });
}

export function envOf({ endpoint, keys }: Pick<S3Server, "endpoint" | "keys">): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  };
}
