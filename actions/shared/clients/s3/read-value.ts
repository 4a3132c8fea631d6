import { ReleaseError } from "../../lib/error.ts";
import type { Connection } from "./connection.ts";
import type { Objects } from "./objects.ts";

export type Reading = {
  readonly connection: Connection;
  readonly objects: Objects;
  readonly signal: AbortSignal | undefined;
  /** What is told where the value is another one all at once. */
  readonly changed?: (key: string) => ReleaseError;
};

/** A value as a stream. Where the connection breaks it goes on at the byte where it broke. */
export async function openValue(reading: Reading, key: string): Promise<AsyncIterable<Uint8Array> | undefined> {
  const first = await reading.objects.stream(key, { from: 0, signal: reading.signal });
  if (first.state !== "answered" || first.answer.head.isRemoved) return undefined;
  return wholeOf(reading, key, first.answer);
}

export type Opened = Extract<Awaited<ReturnType<Objects["stream"]>>, { readonly state: "answered" }>["answer"];

/** The rest of what was opened, up to its end. */
export async function* wholeOf(
  { connection, objects, signal, changed = storeChanged(connection) }: Reading,
  key: string,
  first: Opened,
): AsyncGenerator<Uint8Array> {
  const { etag, size } = first.head;
  let [opened, at, failures] = [first, 0, 0];
  for (;;) {
    let broken: unknown;
    try {
      for await (const chunk of opened.chunks) {
        at += chunk.length;
        failures = 0;
        yield chunk;
      }
    } catch (error) {
      signal?.throwIfAborted();
      broken = error;
    }
    if (at >= size) return;
    failures++;
    if (failures >= connection.attempts) throw brokenOff(connection, key, { at, size, cause: broken });
    await connection.pause(failures, { state: "missing" }, signal);
    const next = await objects.stream(key, { from: at, signal });
    if (next.state !== "answered" || next.answer.head.etag !== etag) throw changed(key);
    opened = next.answer;
  }
}

type Broken = { readonly at: number; readonly size: number; readonly cause: unknown };

function brokenOff({ server, bucket }: Connection, key: string, { at, size, cause }: Broken): ReleaseError {
  const problem = {
    rule: `${server} breaks off while a value is read`,
    where: { file: `s3://${bucket}/${key}` },
    saw: `${at} of ${size} bytes`,
    hint: "run the step again",
  };
  return new ReleaseError("UNAVAILABLE", problem, cause);
}

function storeChanged({ bucket }: Connection) {
  return (key: string): ReleaseError =>
    new ReleaseError("INTEGRITY", {
      rule: "a value must not change while it is read",
      where: { file: `s3://${bucket}/${key}` },
      hint: "files of a store are never changed: something else writes there",
    });
}
