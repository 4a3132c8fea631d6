import { S3_ACCESS, S3_OPTIONAL_ACCESS, type S3Access } from "../domain/s3-access.ts";

/** What is to be replaced by the bucket and the prefix of the store's address. */
const OBJECTS = "arn:aws:s3:::BUCKET/PREFIX/*";
/**
 * The whole bucket, without a condition on the prefix: where a key is not there, S3 says so only to who may list the bucket, and a condition
 * on a prefix does not hold for a request that has none.
 */
const WHOLE_BUCKET = "arn:aws:s3:::BUCKET";

const READS: readonly string[] = ["s3:GetObject", "s3:ListBucket"];

/** IAM policies for a store in S3, by file name: made from what the client does there. */
export function s3Policies(): ReadonlyMap<string, string> {
  const all = Object.values(S3_ACCESS) as readonly S3Access[];
  return new Map([
    ["model-store-s3.json", policyOf(all)],
    ["model-store-s3-read.json", policyOf(all.filter(({ action }) => READS.includes(action)))],
    ["model-store-s3-tags.json", policyOf([...all, ...Object.values(S3_OPTIONAL_ACCESS)])],
  ]);
}

function policyOf(accesses: readonly S3Access[]): string {
  const on = (place: S3Access["on"]) => [
    ...new Set(accesses.filter((access) => access.on === place).map(({ action }) => action)),
  ];
  const Statement = [
    { Sid: "ModelStoreObjects", Effect: "Allow", Action: on("objects"), Resource: OBJECTS },
    { Sid: "ModelStoreBucket", Effect: "Allow", Action: on("bucket"), Resource: WHOLE_BUCKET },
  ];
  return `${JSON.stringify({ Version: "2012-10-17", Statement }, null, 2)}\n`;
}
