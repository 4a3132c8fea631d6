import { addAbortSignal, type Readable } from "node:stream";

/** In Node it is a stream of buffers. */
type Streamed = { readonly Body?: unknown };

/** A body whole. */
export async function bytesOf({ Body }: Streamed, signal: AbortSignal): Promise<Uint8Array> {
  const stream = addAbortSignal(signal, Body as Readable);
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

const LONGEST_SILENCE_MS = 60_000;

/** A body in pieces, that ends with an error where none came for a minute. */
export async function* aliveChunks({ Body }: Streamed, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const stream = signal === undefined ? (Body as Readable) : addAbortSignal(signal, Body as Readable);
  const silence = setTimeout(() => stream.destroy(new Error("no more bytes came")), LONGEST_SILENCE_MS);
  try {
    for await (const chunk of stream) {
      silence.refresh();
      yield chunk;
      silence.refresh();
    }
  } finally {
    clearTimeout(silence);
    stream.destroy();
  }
}
