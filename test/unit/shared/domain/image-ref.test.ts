import { expect, test } from "vitest";
import {
  formatImageRef,
  isLoopbackHost,
  parseImageRef,
  repositoryOf,
} from "../../../../actions/shared/domain/image-ref.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

test.each([
  ["python", "docker.io/library/python"],
  ["python:3.12-slim", "docker.io/library/python:3.12-slim"],
  ["acme/digits:v1", "docker.io/acme/digits:v1"],
  ["index.docker.io/acme/digits", "docker.io/acme/digits"],
  ["ghcr.io/acme/digits/serving:v1.0.0", "ghcr.io/acme/digits/serving:v1.0.0"],
  ["localhost/acme/digits", "localhost/acme/digits"],
  ["127.0.0.1:5000/a", "127.0.0.1:5000/a"],
  ["[::1]:5000/a:1", "[::1]:5000/a:1"],
  [`ghcr.io/acme/digits@${DIGEST}`, `ghcr.io/acme/digits@${DIGEST}`],
  [`ghcr.io/acme/digits:v1@${DIGEST}`, `ghcr.io/acme/digits:v1@${DIGEST}`],
])("%s is %s", (written, whole) => {
  const ref = parseImageRef(written);
  expect(ref && formatImageRef(ref)).toBe(whole);
  expect(ref && parseImageRef(formatImageRef(ref))).toEqual(ref);
});

test.each([
  "",
  "Python",
  "a//b",
  "ghcr.io/",
  "a:b:c",
  "a@sha256:12",
  "a b",
  "../a",
  "ghcr.io/acme/-x",
  `a:${"t".repeat(129)}`,
  "a@b@c",
])("%j is no reference", (written) => expect(parseImageRef(written)).toBeUndefined());

test("a repository is host and path", () => {
  expect(repositoryOf({ host: "ghcr.io", path: "acme/digits", tag: "v1" })).toBe("ghcr.io/acme/digits");
});

test.each([
  ["localhost", true],
  ["localhost:5000", true],
  ["127.0.0.1:80", true],
  ["[::1]:5000", true],
  ["127.example.com", false],
  ["localhost.example.com", false],
  ["10.0.0.1:5000", false],
])("plain HTTP to %s: %s", (host, plain) => expect(isLoopbackHost(host)).toBe(plain));
