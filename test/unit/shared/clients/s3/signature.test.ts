import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { pathText, queryText, requestSigner } from "../../../../../actions/shared/clients/s3/signature.ts";

// The examples of "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)".
const signing = {
  credentials: {
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  },
  region: "us-east-1",
  nowMs: Date.UTC(2013, 4, 24),
};
const sign = requestSigner();
const host = "examplebucket.s3.amazonaws.com";
const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");

test.each([
  [
    "a part of an object is got",
    { method: "GET", path: "/test.txt", query: {}, headers: { range: "bytes=0-9" }, payload: hashOf("") },
    {
      names: "host;range;x-amz-content-sha256;x-amz-date",
      signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    },
  ],
  [
    "an object is put",
    {
      method: "PUT",
      path: `/${pathText("test$file.text")}`,
      query: {},
      headers: { date: "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY" },
      payload: hashOf("Welcome to Amazon S3."),
    },
    {
      names: "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
      signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    },
  ],
  [
    "a bucket's lifecycle is got",
    { method: "GET", path: "/", query: { lifecycle: "" }, headers: {}, payload: hashOf("") },
    {
      names: "host;x-amz-content-sha256;x-amz-date",
      signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    },
  ],
  [
    "objects are listed",
    { method: "GET", path: "/", query: { prefix: "J", "max-keys": "2" }, headers: {}, payload: hashOf("") },
    {
      names: "host;x-amz-content-sha256;x-amz-date",
      signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    },
  ],
])("signs as Amazon's examples do: %s", (_, request, { names, signature }) => {
  expect(sign({ host, ...request }, signing).authorization).toBe(
    `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=${names},Signature=${signature}`,
  );
});

test("a session's token goes along, and is signed", () => {
  const credentials = { ...signing.credentials, sessionToken: "the-token" };
  const request = { method: "PUT", host, path: "/a", query: {}, headers: {}, payload: "UNSIGNED-PAYLOAD" };
  const headers = sign(request, { ...signing, credentials });
  expect(headers["x-amz-security-token"]).toBe("the-token");
  expect(headers.authorization).toContain("x-amz-date;x-amz-security-token,");
});

test("another day, another region and another secret are another key", () => {
  const request = { method: "GET", host, path: "/", query: {}, headers: {}, payload: "UNSIGNED-PAYLOAD" };
  const others = [
    signing,
    { ...signing, nowMs: signing.nowMs + 86_400_000 },
    { ...signing, region: "eu-west-1" },
    { ...signing, credentials: { ...signing.credentials, secretAccessKey: "another" } },
  ];
  const once = others.map((one) => requestSigner()(request, one).authorization);
  expect(others.map((one) => sign(request, one).authorization)).toEqual(once);
  expect(new Set(once).size).toBe(4);
});

test("keys and queries are encoded once, slashes of keys not at all", () => {
  expect(pathText("a b/ü/(1)*'!~+.bin")).toBe("a%20b/%C3%BC/%281%29%2A%27%21~%2B.bin");
  expect(queryText({ uploadId: "a/b=", partNumber: "1" })).toBe("partNumber=1&uploadId=a%2Fb%3D");
});
