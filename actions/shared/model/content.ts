import { pipeline, Readable, type Transform } from "node:stream";
import type { ByteSource } from "../ports/source-file.ts";
import { type ByteReader, sourceReader, streamReader } from "./byte-reader.ts";
import { breakOff } from "./pickle/break-off.ts";

/** Bytes that can be read from their start as often as one likes: a file, a member of an archive, what a compressed file holds. */
export type Content = {
  read<T>(act: (reader: ByteReader) => Promise<T>): Promise<T>;
  /** Where they can be read at any place: what is not compressed. */
  readonly source?: ByteSource;
};

/** How much may still be decompressed; shared by everything that one file holds. */
export type Allowance = { bytes: number };

export function sourceContent(source: ByteSource): Content {
  return { source, read: (act) => act(sourceReader(source)) };
}

/** What comes out of a decoder. Bytes that it does not take, or too many of them, break off whoever reads. */
export function decodedContent(encoded: ByteSource, decoder: () => Transform, allowance: Allowance): Content {
  return {
    read: async (act) => {
      const chunks = decode(encoded, decoder(), allowance);
      try {
        return await act(streamReader(chunks));
      } finally {
        await chunks.return(undefined);
      }
    },
  };
}

async function* decode(
  encoded: ByteSource,
  decoder: Transform,
  allowance: Allowance,
): AsyncGenerator<Uint8Array, void> {
  // Errors reach the loop below through the decoder.
  const output = pipeline(Readable.from(chunksOf(encoded)), decoder, () => {});
  try {
    for await (const chunk of output) {
      const bytes: Uint8Array = chunk;
      allowance.bytes -= bytes.length;
      if (allowance.bytes < 0) throw breakOff("it holds more than is decompressed for a scan");
      yield bytes;
    }
  } catch (error) {
    if (error instanceof Error && "code" in error && String(error.code).startsWith("Z_"))
      throw breakOff("it cannot be decompressed");
    throw error;
  } finally {
    output.destroy();
  }
  if ("bytesWritten" in decoder && decoder.bytesWritten !== encoded.size)
    throw breakOff("bytes follow what is compressed");
}

const CHUNK_BYTES = 64 * 1024;

async function* chunksOf(source: ByteSource): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < source.size; ) {
    const chunk = await source.read(at, CHUNK_BYTES);
    if (chunk.length === 0) return;
    at += chunk.length;
    yield chunk;
  }
}
