import type { ByteSource } from "../ports/source-file.ts";

export function bytesSource(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: async (at, length) => bytes.subarray(at, at + length) };
}

/** A part of a source as a source of its own. */
export function sliceSource(source: ByteSource, start: number, size: number): ByteSource {
  return {
    size,
    read: (at, length) => source.read(start + at, Math.max(0, Math.min(length, size - at))),
  };
}
