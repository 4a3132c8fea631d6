import { expect, test } from "vitest";
import {
  dataParameters,
  parseDataAddress,
  parseLfsPointer,
} from "../../../../../actions/shared/domain/run/data-address.ts";
import { type RunIdentity, runIdentity } from "../../../../../actions/shared/domain/run/identity.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";

test.each([
  ["data/train.csv", { kind: "local", path: "data/train.csv" }],
  ["file:///data/my%20set.csv", { kind: "local", path: "/data/my set.csv" }],
  ["data/train.csv.dvc", { kind: "dvc", path: "data/train.csv.dvc" }],
  ["s3://b/k.parquet?versionId=3sL4k", { kind: "remote", version: "3sL4k" }],
  ["s3://b/k.parquet?x=1&versionId=3sL4k#f", { kind: "remote", version: "3sL4k" }],
  ["s3://b/k.parquet", { kind: "remote" }],
  ["gs://b/k#1360887759327000", { kind: "remote", version: "1360887759327000" }],
  [`hf://datasets/acme/digits@${commit}/train.csv`, { kind: "remote", version: commit }],
  ["hf://datasets/acme/digits@main", { kind: "remote" }],
  [`git+https://example.org/data.git@${commit}`, { kind: "remote", version: commit }],
  ["https://example.org/train.csv", { kind: "remote" }],
])("%s", (text, address) => {
  const parsed = parseDataAddress(text);
  expect(parsed).toMatchObject(address);
  expect("version" in parsed).toBe("version" in address);
});

test("a role becomes two parameters", () => {
  expect(dataParameters("hold-out")).toEqual({ uri: "hold_out_uri", digest: "hold_out_digest" });
});

test("a git-LFS pointer names its content; a text that only speaks of it does not", () => {
  const oid = `sha256:${"ab".repeat(32)}`;
  const pointer = `version https://git-lfs.github.com/spec/v1\noid ${oid}\nsize 12345\n`;
  expect(parseLfsPointer(pointer)).toEqual({ digest: oid, bytes: 12345 });
  expect(parseLfsPointer(`see ${pointer}`)).toBeUndefined();
});

const identity: RunIdentity = {
  releaseId: "v1.0.0",
  engine: "local",
  endpoint: "local",
  packageDigest: `sha256:${"a".repeat(64)}`,
  parameters: { epochs: 3, rate: 0.1 },
  data: [{ role: "train", uri: "data/train.csv", digest: `sha256:${"b".repeat(64)}` }],
  attempt: 1,
};

test("a run is the same by its content, not by the order or the place of it", () => {
  const same = {
    ...identity,
    parameters: { rate: 0.1, epochs: 3 },
    data: [{ ...identity.data[0], role: "train", uri: "/elsewhere.csv" }],
  };
  expect(runIdentity(same as RunIdentity)).toBe(runIdentity(identity));
});

test.each<Partial<RunIdentity>>([
  { releaseId: "v1.0.1" },
  { engine: "kubeflow" },
  { endpoint: "https://example.org" },
  { packageDigest: `sha256:${"c".repeat(64)}` },
  { parameters: { epochs: 4, rate: 0.1 } },
  { data: [] },
  { data: [{ role: "train", uri: "data/train.csv", digest: `sha256:${"d".repeat(64)}` }] },
  { data: [{ role: "train", uri: "data/train.csv", version: "2" }] },
  { attempt: 2 },
])("%j makes another run", (other) => {
  expect(runIdentity({ ...identity, ...other })).not.toBe(runIdentity(identity));
});
