import { describe, expect, test } from "vitest";
import { parseS3Address } from "../../../../../actions/shared/clients/s3/address.ts";

describe("the address of a store in S3", () => {
  test.each([
    ["s3://models", { bucket: "models", prefix: "" }],
    ["s3://models/", { bucket: "models", prefix: "" }],
    ["s3://models/acme/digits/", { bucket: "models", prefix: "acme/digits" }],
    ["s3://models/a?region=eu-west-1", { bucket: "models", prefix: "a", region: "eu-west-1" }],
    [
      "s3://models/a?endpoint=https%3A%2F%2Fminio.example%3A9000&addressing=host&ca=/etc/ca.pem",
      { bucket: "models", prefix: "a", endpoint: "https://minio.example:9000", addressing: "host", ca: "/etc/ca.pem" },
    ],
    ["s3://models/a?sse=AES256", { bucket: "models", prefix: "a", encryption: { kind: "AES256" } }],
    [
      "s3://models/a?kms-key=alias/k",
      { bucket: "models", prefix: "a", encryption: { kind: "aws:kms", key: "alias/k" } },
    ],
    ["s3://models/a?sse=aws:kms", { bucket: "models", prefix: "a", encryption: { kind: "aws:kms" } }],
    ["s3://models/a?tag.team=risk&tag.cost=4", { bucket: "models", prefix: "a", tags: { team: "risk", cost: "4" } }],
    ["s3://models/a?conditions=weak", { bucket: "models", prefix: "a", conditions: "weak" }],
  ])("%s", (address, parts) => {
    expect(parseS3Address(address)).toEqual({ tags: {}, conditions: "required", ...parts });
  });

  test.each([
    ["s3://", "names no bucket"],
    ["s3:///a", "names no bucket"],
    ["s3://Models/a", "names no bucket"],
    ["s3://a..b/a", "names no bucket"],
    ["s3://models/a//b", "prefix of the store must be plain"],
    ["s3://models/../b", "prefix of the store must be plain"],
    ["s3://models/a b", "prefix of the store must be plain"],
    ["s3://models/a?regoin=eu-west-1", "`regoin` is no setting"],
    ["s3://models/a?endpoint=minio.example", "`endpoint` of the address is wrong"],
    ["s3://models/a?endpoint=https://user:secret@minio.example", "`endpoint` of the address is wrong"],
    ["s3://models/a?endpoint=https://minio.example/path", "`endpoint` of the address is wrong"],
    ["s3://models/a?addressing=dns", "`addressing` of the address is wrong"],
    ["s3://models/a?sse=AES128", "`sse` of the address is wrong"],
    ["s3://models/a?sse=AES256&kms-key=k", "`kms-key` of the address is wrong"],
    ["s3://models/a?conditions=none", "`conditions` of the address is wrong"],
    [`s3://models/a?${Array.from({ length: 11 }, (_, i) => `tag.t${i}=x`).join("&")}`, "tags of the address are wrong"],
  ])("%s is refused", (address, rule) => {
    expect(() => parseS3Address(address)).toThrow(rule);
    expect(() => parseS3Address(address)).not.toThrow("secret");
  });

  test("everything that is wrong is told at once", () => {
    expect(() => parseS3Address("s3://M/a b?x=1")).toThrow(/names no bucket.*must be plain.*`x` is no setting/s);
  });
});
