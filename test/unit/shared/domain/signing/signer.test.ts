import { describe, expect, test } from "vitest";
import {
  formatSigner,
  isIdentity,
  isSameSigner,
  type Signer,
  signerFields,
  signerOf,
} from "../../../../../actions/shared/domain/signing/signer.ts";

const KEY: Signer = { by: "key", publicKey: `sha256:${"a".repeat(64)}` };
const WORKFLOW: Signer = {
  by: "identity",
  identity: "https://github.com/acme/digits/.github/workflows/release.yml@refs/tags/v1.0.0",
  issuer: "https://token.actions.githubusercontent.com",
};

test.each([KEY, WORKFLOW])("a record says of a signer what it is read from: $by", (signer) => {
  const recorded = { key: "digits/signatures/1.0.0/model.sig", digest: KEY.publicKey, ...signerFields(signer) };
  expect(signerOf(recorded)).toEqual(signer);
});

test("signers are the same by key, or by identity and issuer", () => {
  const other: Signer = { by: "key", publicKey: `sha256:${"b".repeat(64)}` };
  expect([isSameSigner(KEY, { ...KEY }), isSameSigner(WORKFLOW, { ...WORKFLOW })]).toEqual([true, true]);
  expect(isSameSigner(KEY, other)).toBe(false);
  expect(isSameSigner(KEY, WORKFLOW)).toBe(false);
  expect(isSameSigner(WORKFLOW, KEY)).toBe(false);
  expect(isSameSigner(WORKFLOW, { ...WORKFLOW, issuer: "https://accounts.example.com" })).toBe(false);
  expect(isSameSigner(WORKFLOW, { ...WORKFLOW, identity: `${WORKFLOW.identity}1` })).toBe(false);
});

test("a sentence names who signed", () => {
  expect(formatSigner(KEY)).toBe(`with key ${KEY.publicKey}`);
  expect(formatSigner(WORKFLOW)).toBe(`as ${WORKFLOW.identity} (${WORKFLOW.issuer})`);
});

describe("an identity that is asked for", () => {
  const RELEASE = "https://github.com/acme/digits/.github/workflows/release.yml@refs/tags/";
  test.each<[string, string, boolean]>([
    [`${RELEASE}v1.0.0`, `${RELEASE}v1.0.0`, true],
    [`${RELEASE}v1.0.0`, `${RELEASE}v1.0.0-rc1`, false],
    [`${RELEASE}*`, `${RELEASE}v1.0.0`, true],
    [`${RELEASE}*`, RELEASE, true],
    [`${RELEASE}*`, RELEASE.replace("tags", "heads"), false],
    // A star elsewhere is itself, and so is what a pattern would read otherwise.
    ["https://github.com/*/release.yml", "https://github.com/acme/release.yml", false],
    ["https://github.com/*/release.yml", "https://github.com/*/release.yml", true],
    ["dev.loper@example.com", "dev-loper@example.com", false],
    ["", "octocat@example.com", false],
    ["*", "octocat@example.com", true],
  ])("%s is %s: %s", (rule, identity, expected) => {
    expect(isIdentity(rule, identity)).toBe(expected);
  });
});
