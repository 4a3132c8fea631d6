import { expect, test } from "vitest";
import { isOutOfReach } from "../../../../actions/shared/connect/model-of-run.ts";
import { ReleaseError } from "../../../../actions/shared/lib/error.ts";

const guessed = { "model-endpoint": undefined };
const named = { "model-endpoint": "https://minio.example.com" };
const noServer = new ReleaseError("INPUT", { rule: "which server is not known", where: { input: "model-endpoint" } });
const noSecret = new ReleaseError("INPUT", { rule: "go together", where: { input: "model-secret-key" } });
const plain = (code: "UNAVAILABLE" | "AUTH" | "NOT_FOUND" | "CONFIG" | "INTEGRITY") =>
  new ReleaseError(code, { rule: "of a bucket" });

test.each([
  { where: "no server is known", error: noServer, inputs: guessed, expected: true },
  { where: "the given server is no address", error: noServer, inputs: named, expected: false },
  { where: "half a credential was given", error: noSecret, inputs: guessed, expected: false },
  { where: "the given server does not answer", error: plain("UNAVAILABLE"), inputs: named, expected: true },
  { where: "the given credential is refused", error: plain("AUTH"), inputs: named, expected: true },
  { where: "nothing is on a server that nobody named", error: plain("NOT_FOUND"), inputs: guessed, expected: true },
  { where: "nothing is on the given server", error: plain("NOT_FOUND"), inputs: named, expected: false },
  { where: "no region is known", error: plain("CONFIG"), inputs: guessed, expected: true },
  { where: "the given server's certificate is not trusted", error: plain("CONFIG"), inputs: named, expected: false },
  { where: "a file changed", error: plain("INTEGRITY"), inputs: guessed, expected: false },
  { where: "our own code is wrong", error: new TypeError("undefined"), inputs: guessed, expected: false },
])("where $where, the last resort is taken: $expected", ({ error, inputs, expected }) => {
  expect(isOutOfReach(error, inputs)).toBe(expected);
});
