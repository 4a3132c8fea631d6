import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cachedSource } from "../../../../actions/shared/lib/cached-source.ts";

const KIB = 1024;
const BLOCK = 128 * KIB;

function farAway(size: number) {
  const bytes = Buffer.from(Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8)) % 251));
  const asked: number[] = [];
  const source = cachedSource(size, async (at, length) => {
    asked.push(length);
    expect(at + length).toBeLessThanOrEqual(size);
    return bytes.subarray(at, at + length);
  });
  return { bytes, asked, source };
}

describe("bytes that are far away", () => {
  test("read the same as if they were here, wherever one looks", async () => {
    const size = 5 * BLOCK + 7;
    const { bytes, source } = farAway(size);
    const place = fc.tuple(fc.nat(size + 10), fc.nat(3 * BLOCK));
    await fc.assert(
      fc.asyncProperty(fc.array(place, { minLength: 1, maxLength: 8 }), async (places) => {
        for (const [at, length] of places)
          expect(Buffer.compare(await source.read(at, length), bytes.subarray(at, at + length))).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test("are asked for once where many headers lie beside each other", async () => {
    const { asked, source } = farAway(4 * BLOCK);
    for (let at = 0; at < BLOCK; at += 300) await source.read(at, 30);
    await source.read(10, 30);
    expect(asked).toEqual([BLOCK]);
  });

  test("come in larger pieces for who reads on and on, a mebibyte at most", async () => {
    const { asked, source } = farAway(40 * BLOCK);
    for (let at = 0; at < 40 * BLOCK; at += 64 * KIB) await source.read(at, 64 * KIB);
    expect(asked.map((length) => length / BLOCK)).toEqual([1, 2, 4, 8, 8, 8, 8, 1]);
  });

  test("are not kept where a piece is larger than what is fetched ahead", async () => {
    const { asked, source } = farAway(20 * BLOCK);
    await source.read(0, 16 * BLOCK);
    await source.read(0, 16 * BLOCK);
    expect(asked).toEqual([16 * BLOCK, 16 * BLOCK]);
  });

  test("nothing is asked for of nothing", async () => {
    const { asked, source } = farAway(0);
    expect(await source.read(0, 100)).toHaveLength(0);
    expect(asked).toEqual([]);
  });
});
