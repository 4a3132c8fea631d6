import { expect, test } from "vitest";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";
import {
  type StorageSight,
  secretsOf,
  storageNotes,
} from "../../../../../actions/shared/domain/serving/storage-notes.ts";

const secret = (endpoint?: string): KubeObject => ({
  metadata: { annotations: endpoint === undefined ? {} : { "serving.kserve.io/s3-endpoint": endpoint } },
});
const account = (annotations: KubeObject = {}): KubeObject => ({ metadata: { annotations } });
const notes = (sight: Partial<StorageSight>) =>
  storageNotes({
    uri: "s3://models/fraud/8",
    endpoint: "https://minio.ml:9000",
    name: "default",
    account: account(),
    secrets: new Map(),
    ...sight,
  });

test("keys of the same server, or a role of the cloud, leave nothing to say", () => {
  expect(notes({ secrets: new Map([["keys", secret("minio.ml:9000")]]) })).toEqual([]);
  expect(notes({ account: account({ "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/ml" }) })).toEqual([]);
  expect(notes({ endpoint: undefined, secrets: new Map([["keys", secret()]]) })).toEqual([]);
});

test.each<[string, Partial<StorageSight>, RegExp]>([
  ["an account with nothing", {}, /neither a secret nor a cloud role/],
  [
    "a secret that is not there",
    { secrets: new Map([["keys", "missing"]]) },
    /lists the secret keys, which is not there/,
  ],
  [
    "keys that name no server",
    { secrets: new Map([["keys", secret()]]) },
    /the pods ask Amazon .* and not minio\.ml:9000/,
  ],
  [
    "keys of another server",
    { secrets: new Map([["keys", secret("s3.other:443")]]) },
    /from s3\.other:443, and the store of this job is minio\.ml:9000/,
  ],
  ["an account that may not be read", { account: "hidden" }, /^not checked: .*may not read ServiceAccount default/],
])("%s is told", (_, sight, words) => {
  expect(notes(sight)).toEqual([expect.stringMatching(words)]);
});

test("secrets that may not be read, and what needs none, are left alone", () => {
  expect(notes({ secrets: new Map([["keys", "hidden"]]) })).toEqual([]);
  expect(notes({ uri: "https://models.test/fraud/8" })).toEqual([]);
});

test("secrets are those that a service account lists", () => {
  expect(secretsOf({ secrets: [{ name: "keys" }, { name: "more" }] })).toEqual(["keys", "more"]);
});
