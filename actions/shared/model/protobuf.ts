import type { ByteSource } from "../ports/source-file.ts";

/** One field of a message: its number, and its value as a number, or where its bytes lie. */
export type Field = { readonly number: number } & (
  | { readonly wire: "number"; readonly value: number }
  | { readonly wire: "bytes"; readonly at: number; readonly end: number }
);

/**
 * Reads the fields of protobuf messages one after the other, without a schema and without holding more than a window of the bytes.
 * Hostile input is bounded: every field lies inside its message, strings have a greatest length, and no more than `maxFields` are
 * looked at.
 */
export type ProtobufReader = {
  fields(at: number, end: number): AsyncGenerator<Field>;
  text(field: Field): Promise<string>;
};

/** The bytes are no such message. */
export type Malformed = { readonly malformed: string };
/** The bytes may be sound, but there are more of them than we look at. */
export type TooLarge = { readonly tooLarge: string };

const WINDOW_BYTES = 64 * 1024;
const MAX_TEXT_BYTES = 64 * 1024;

export function protobufReader(source: ByteSource, maxFields: number): ProtobufReader {
  let window: Uint8Array = new Uint8Array();
  let windowAt = 0;
  let left = maxFields;
  return { fields, text };

  async function* fields(start: number, end: number): AsyncGenerator<Field> {
    for (let at = start; at < end; ) {
      if (left-- <= 0) throw stop({ tooLarge: `more than ${maxFields} fields` });
      const tag = await varint(at, end);
      const number = Math.floor(tag.value / 8);
      if (number === 0) throw stop({ malformed: `field 0 at byte ${at}` });
      switch (tag.value % 8) {
        case 0: {
          const { value, next } = await varint(tag.next, end);
          yield { number, wire: "number", value };
          at = next;
          break;
        }
        case 1:
          at = within(tag.next + 8, end);
          break;
        case 2: {
          const { value, next } = await varint(tag.next, end);
          at = within(next + value, end);
          yield { number, wire: "bytes", at: next, end: at };
          break;
        }
        case 5:
          at = within(tag.next + 4, end);
          break;
        default:
          throw stop({ malformed: `wire type ${tag.value % 8} at byte ${at}` });
      }
    }
  }

  async function text(field: Field): Promise<string> {
    if (field.wire !== "bytes") throw stop({ malformed: `field ${field.number} holds a number where a text belongs` });
    if (field.end - field.at > MAX_TEXT_BYTES) throw stop({ tooLarge: `a text of ${field.end - field.at} bytes` });
    return new TextDecoder().decode(await source.read(field.at, field.end - field.at));
  }

  async function varint(start: number, end: number): Promise<{ readonly value: number; readonly next: number }> {
    const first = start < end ? window[start - windowAt] : undefined;
    if (first !== undefined && first < 0x80) return { value: first, next: start + 1 };
    let value = 0n;
    for (let i = 0; i < 10; i++) {
      // Without a wait where the byte is at hand: a model may have millions of numbers.
      const byte = start + i < end ? (window[start + i - windowAt] ?? (await byteAt(start + i))) : undefined;
      if (byte === undefined) throw stop({ malformed: `the bytes end in a number at byte ${start}` });
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return { value: Number(BigInt.asIntN(64, value)), next: start + i + 1 };
    }
    throw stop({ malformed: `a number of more than 10 bytes at byte ${start}` });
  }

  async function byteAt(at: number): Promise<number | undefined> {
    if (at < windowAt || at >= windowAt + window.length) {
      window = await source.read(at, WINDOW_BYTES);
      windowAt = at;
    }
    return window[at - windowAt];
  }
}

/** The fields of a message that is a field itself. */
export function fieldsOf(reader: ProtobufReader, message: Field): AsyncGenerator<Field> {
  if (message.wire === "bytes") return reader.fields(message.at, message.end);
  throw stop({ malformed: `field ${message.number} holds a number where a message belongs` });
}

function within(next: number, end: number): number {
  // Also where a length is negative or was not a safe integer.
  if (Number.isSafeInteger(next) && next <= end && next >= 0) return next;
  throw stop({ malformed: `a field ends at byte ${next}, its message at ${end}` });
}

/** Why reading stopped, as the `cause` of an error; undefined where the error is another. */
export function whyStopped(error: unknown): Malformed | TooLarge | undefined {
  if (!(error instanceof RangeError) || typeof error.cause !== "object" || error.cause === null) return undefined;
  return "malformed" in error.cause || "tooLarge" in error.cause ? (error.cause as Malformed | TooLarge) : undefined;
}

export function stop(cause: Malformed | TooLarge): RangeError {
  return new RangeError("protobuf", { cause });
}
