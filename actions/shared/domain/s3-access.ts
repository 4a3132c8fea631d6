/** One operation of S3's API that the store uses, and what a policy must allow for it. */
export type S3Access = {
  /** The action of a policy. */
  readonly action: string;
  /** What the action is on: the objects below the store's prefix, or the bucket as a whole. */
  readonly on: "objects" | "bucket";
  readonly purpose: string;
};

/** Everything that the client does at a server. A request names its row, so that nothing is done that no policy has. */
export const S3_ACCESS = {
  GetObject: { action: "s3:GetObject", on: "objects", purpose: "read records, aliases and models" },
  HeadObject: { action: "s3:GetObject", on: "objects", purpose: "look whether a write took place" },
  ListObjectsV2: {
    action: "s3:ListBucket",
    on: "bucket",
    purpose: "list versions, and tell a key that is not there from one that may not be read",
  },
  PutObject: { action: "s3:PutObject", on: "objects", purpose: "write records, aliases and models" },
  CreateMultipartUpload: { action: "s3:PutObject", on: "objects", purpose: "write large files" },
  UploadPart: { action: "s3:PutObject", on: "objects", purpose: "write large files" },
  UploadPartCopy: {
    action: "s3:PutObject",
    on: "objects",
    purpose: "take what did not change from an earlier version, on the server",
  },
  ListParts: {
    action: "s3:ListMultipartUploadParts",
    on: "objects",
    purpose: "go on with a large file where an earlier attempt was cut off",
  },
  CompleteMultipartUpload: { action: "s3:PutObject", on: "objects", purpose: "write large files" },
  AbortMultipartUpload: {
    action: "s3:AbortMultipartUpload",
    on: "objects",
    purpose: "take back a large file that was not finished",
  },
  DeleteObject: {
    action: "s3:DeleteObject",
    on: "objects",
    purpose: "remove markers that are no longer needed, and what no version names",
  },
} as const satisfies Readonly<Record<string, S3Access>>;

export type S3Operation = keyof typeof S3_ACCESS;

/** What the store does only where its address asks for it. */
export const S3_OPTIONAL_ACCESS = {
  tags: { action: "s3:PutObjectTagging", on: "objects", purpose: "put the tags that the store's address names" },
} as const satisfies Readonly<Record<string, S3Access>>;
