import type { OpenArtifact } from "./artifact-file.ts";
import { ReleaseError } from "./error.ts";

type Stream = { readonly pieces: AsyncIterator<Uint8Array>; at: number; rest: Uint8Array };

/**
 * Reads parts of a file that only comes from its start, or from any byte on: what lies before the part is passed over, and who goes on where
 * the last part ended goes on in the same answer.
 */
export function forwardReader(source: string, open: (from: number) => ReturnType<OpenArtifact>) {
  let stream: Stream | undefined;
  let reach = MOST_SKIPPED;
  return { read, close };

  async function read(at: number, length: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafe(length);
    const from = await streamAt(at);
    for (let filled = 0; filled < length; ) {
      if (!(await fill(from))) throw short(source, at + filled);
      const skipped = Math.min(from.rest.length, Math.max(0, at - from.at));
      const piece = from.rest.subarray(skipped, skipped + length - filled);
      bytes.set(piece, filled);
      filled += piece.length;
      from.at += skipped + piece.length;
      from.rest = from.rest.subarray(skipped + piece.length);
    }
    return bytes;
  }

  /** The answer that is open, where it is not past the place and near enough; else a new one. */
  async function streamAt(at: number): Promise<Stream> {
    if (stream !== undefined && stream.at <= at && at - stream.at <= reach) return stream;
    await close();
    const { from, body } = await open(at);
    if (from < at) reach = Number.POSITIVE_INFINITY;
    stream = { pieces: body[Symbol.asyncIterator](), at: from, rest: new Uint8Array() };
    return stream;
  }

  async function close(): Promise<void> {
    const last = stream;
    stream = undefined;
    await last?.pieces.return?.();
  }
}

/** What is rather passed over than asked for anew; all of it where every answer begins at the start. */
const MOST_SKIPPED = 1024 * 1024;

/** Whether there is something to read. */
async function fill(stream: Stream): Promise<boolean> {
  while (stream.rest.length === 0) {
    const next = await stream.pieces.next();
    if (next.done === true) return false;
    stream.rest = next.value;
  }
  return true;
}

function short(file: string, at: number): ReleaseError {
  return new ReleaseError("INTEGRITY", {
    rule: "a file of the model must not change while it is read",
    where: { file },
    saw: `an end after ${at} bytes`,
    hint: "wait until whatever writes it has ended, then run the step again",
  });
}
