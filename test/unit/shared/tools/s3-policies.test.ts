import { expect, test } from "vitest";
import { S3_ACCESS } from "../../../../actions/shared/domain/s3-access.ts";
import { s3Policies } from "../../../../actions/shared/tools/s3-policies.ts";

type Statement = { readonly Effect: string; readonly Action: readonly string[]; readonly Resource: string };

const actionsOf = (file: string) => {
  const { Statement } = JSON.parse(s3Policies().get(file) ?? "") as { readonly Statement: readonly Statement[] };
  return Statement.flatMap(({ Action, Resource }) => Action.map((action) => `${action} on ${Resource}`)).toSorted();
};

test("the policy of the store allows just what the client does, on its prefix", () => {
  const place = { objects: "arn:aws:s3:::BUCKET/PREFIX/*", bucket: "arn:aws:s3:::BUCKET" };
  const wanted = Object.values(S3_ACCESS).map(({ action, on }) => `${action} on ${place[on]}`);
  expect(actionsOf("model-store-s3.json")).toEqual([...new Set(wanted)].toSorted());
});

test("the policy for reading allows nothing that writes", () => {
  expect(actionsOf("model-store-s3-read.json")).toEqual([
    "s3:GetObject on arn:aws:s3:::BUCKET/PREFIX/*",
    "s3:ListBucket on arn:aws:s3:::BUCKET",
  ]);
});
