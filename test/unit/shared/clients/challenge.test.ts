import { expect, test } from "vitest";
import { parseChallenge } from "../../../../actions/shared/clients/oci-registry/challenge.ts";

test.each([
  ['Basic realm="x"', { scheme: "basic" }],
  ["basic", { scheme: "basic" }],
  [
    'Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push"',
    { scheme: "bearer", realm: "https://auth.example/token", service: "registry" },
  ],
  ['Bearer scope="a,b", realm="https://x/t?a=\\"b\\""', { scheme: "bearer", realm: 'https://x/t?a="b"' }],
  ["Bearer realm=https://x/t", { scheme: "bearer", realm: "https://x/t" }],
  ['Basic realm="x", Bearer realm="https://x/t"', { scheme: "bearer", realm: "https://x/t" }],
  ["Bearer service=x", undefined],
  ['Bearer realm="not an address"', undefined],
  ["Negotiate", undefined],
  ["", undefined],
])("%s", (header, challenge) => expect(parseChallenge(header)).toEqual(challenge));
