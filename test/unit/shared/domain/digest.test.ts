import { expect, test } from "vitest";
import { hexOf, isDigest, shortDigest } from "../../../../actions/shared/domain/digest.ts";

const HEX = "ab12cd34ef56".padEnd(64, "0");
const DIGEST = `sha256:${HEX}` as const;

test("a digest is told in full, in a sentence, and as a part of a name", () => {
  expect(hexOf(DIGEST)).toBe(HEX);
  expect(hexOf(DIGEST, 12)).toBe("ab12cd34ef56");
  expect(shortDigest(DIGEST)).toBe("sha256:ab12cd34ef56");
});

test.each([
  HEX,
  `sha512:${HEX}`,
  `sha256:${HEX.slice(1)}`,
  `sha256:${HEX}0`,
  `sha256:${HEX.toUpperCase()}`,
  `${DIGEST}\n`,
])("%j is no digest of ours", (text) => {
  expect(isDigest(text)).toBe(false);
});

test("64 hexadecimal digits behind sha256: are one", () => {
  expect(isDigest(DIGEST)).toBe(true);
});
