import type { ByteReader } from "./byte-reader.ts";

const STEP_BYTES = 32 * 1024;

/** The texts that stand somewhere in the bytes, each with its first place. Holds no more than two windows of them. */
export async function searchTexts(reader: ByteReader, texts: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  const longest = Math.max(...texts.map((text) => text.length));
  for (;;) {
    const at = reader.position();
    const window = Buffer.from(await reader.peek(STEP_BYTES + longest));
    for (const text of texts) {
      const place = found.has(text) ? -1 : window.indexOf(text, 0, "latin1");
      if (place !== -1) found.set(text, at + place);
    }
    if (window.length <= longest || found.size === texts.length) return found;
    await reader.skip(Math.min(STEP_BYTES, window.length - longest));
  }
}
