import { expect, test } from "vitest";
import { partBytesOf } from "../../../../../actions/shared/clients/s3/parts.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

test.each([
  ["a small one", 20 * MIB, 8],
  ["the largest of ten thousand small parts", 10_000 * 8 * MIB, 8],
  ["one byte more", 10_000 * 8 * MIB + 1, 9],
  ["400 GiB", 400 * GIB, 41],
])("%s goes in parts of so many MiB", (_, size, parts) => {
  expect(partBytesOf(size, 48 * MIB)).toBe(parts * MIB);
  expect(Math.ceil(size / partBytesOf(size, 48 * MIB))).toBeLessThanOrEqual(10_000);
});

test("what does not go through the memory is refused with what does", () => {
  expect(() => partBytesOf(500 * GIB, 48 * MIB)).toThrow(/too large for S3 .*save the model in shards/);
});
