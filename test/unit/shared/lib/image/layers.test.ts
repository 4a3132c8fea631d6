import { execFileSync } from "node:child_process";
import { createReadStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sha256 } from "../../../../../actions/shared/lib/hash.ts";
import { packLayer, unpackLayer } from "../../../../../actions/shared/lib/image/layers.ts";
import { readWhole } from "../../../../../actions/shared/lib/image/verified.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";

const MIB = 1024 * 1024;

test.each([0, 1, 4 * MIB, 4 * MIB + 1, 21 * MIB])(
  "%i bytes are packed the same however they come, and unpacked by us and by gzip",
  async (size) => {
    const folder = await temporaryFolder();
    const bytes = Buffer.alloc(size, "some bytes that are worth packing ");
    const layer = (piece: number) => ({ diffId: sha256(bytes), open: () => pieces(bytes, piece) });
    const [first, second] = [join(folder, "1.gz"), join(folder, "2.gz")];
    const packed = await packLayer(layer(65_536), first);
    expect((await packLayer(layer(7 * MIB + 3), second)).descriptor).toEqual(packed.descriptor);
    expect(packed.descriptor).toMatchObject({ digest: sha256(readFileSync(first)), size: readFileSync(first).length });
    expect(sha256(await readWhole(unpackLayer(packed.descriptor, createReadStream(first))))).toBe(sha256(bytes));
    expect(sha256(execFileSync("gzip", ["-dc", first], { maxBuffer: 64 * MIB }))).toBe(sha256(bytes));
  },
);

test("refuses bytes that are not those of the layer's digest", async () => {
  const file = join(await temporaryFolder(), "layer.gz");
  const layer = { diffId: sha256("one"), open: () => pieces(Buffer.from("two"), 10) };
  await expect(packLayer(layer, file)).rejects.toThrow("INTEGRITY");
});

test("refuses a packing that it does not know", () => {
  expect(() => unpackLayer({ mediaType: "application/x-brotli" }, pieces(Buffer.from(""), 1))).toThrow("PROTOCOL");
});

async function* pieces(bytes: Buffer, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
