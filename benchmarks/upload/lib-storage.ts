import { createReadStream, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { S3 } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { inParallel } from "../../actions/shared/lib/in-parallel.ts";

// The SDK's own uploader as its documentation uses it, sixteen files at once: usage lib-storage.ts BUCKET PREFIX PATH.

const [, , Bucket = "", prefix = "", path = ""] = process.argv;
const client = new S3({ endpoint: process.env.AWS_ENDPOINT_URL_S3 ?? "", forcePathStyle: true });
const files = statSync(path).isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [path];
await inParallel(files, 16, async (file) => {
  const params = { Bucket, Key: `${prefix}/${basename(file)}`, Body: createReadStream(file) };
  await new Upload({ client, params }).done();
});
