import { ReleaseError } from "../../lib/error.ts";

// The wire format of Protocol Buffers (protobuf.dev, Encoding): what four small messages of ML Metadata need, and nothing more.

/** One field of a message as it stands on the wire. */
export type Field = { readonly number: number } & (
  | { readonly wire: "varint"; readonly value: bigint }
  | { readonly wire: "fixed64" | "fixed32" | "bytes"; readonly value: Uint8Array }
);

/** The fields of a message in their order. Throws `PROTOCOL` where the bytes are no message: cut, or with a length beyond their end. */
export function readFields(bytes: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  while (at < bytes.length) {
    const key = varintAt(bytes, at);
    const number = Number(key.value >> 3n);
    if (number < 1 || number > MOST_FIELD) throw malformed(`a field with the number ${number}`);
    const { field, end } = valueAt(bytes, key.end, { number, kind: Number(key.value & 7n) });
    fields.push(field);
    at = end;
  }
  return fields;
}

const MOST_FIELD = 2 ** 29 - 1;

type Key = { readonly number: number; readonly kind: number };

function valueAt(bytes: Uint8Array, at: number, { number, kind }: Key): { field: Field; end: number } {
  switch (kind) {
    case 0: {
      const { value, end } = varintAt(bytes, at);
      return { field: { number, wire: "varint", value }, end };
    }
    case 1:
      return { field: { number, wire: "fixed64", value: slice(bytes, at, 8) }, end: at + 8 };
    case 2: {
      const length = varintAt(bytes, at);
      const size = Number(length.value);
      return { field: { number, wire: "bytes", value: slice(bytes, length.end, size) }, end: length.end + size };
    }
    case 5:
      return { field: { number, wire: "fixed32", value: slice(bytes, at, 4) }, end: at + 4 };
    default:
      throw malformed(`the wire type ${kind}`);
  }
}

function slice(bytes: Uint8Array, at: number, size: number): Uint8Array {
  if (size > bytes.length - at) throw malformed(`${size} bytes where ${bytes.length - at} are left`);
  return bytes.subarray(at, at + size);
}

/** At most 10 bytes of 7 bits, the lowest first; what is over 64 bits is cut off. */
function varintAt(bytes: Uint8Array, start: number): { readonly value: bigint; readonly end: number } {
  let value = 0n;
  for (let at = start; at < start + 10; at++) {
    const byte = bytes[at];
    if (byte === undefined) throw malformed("an end in the middle of a number");
    value |= BigInt(byte & 0x7f) << BigInt(7 * (at - start));
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), end: at + 1 };
  }
  throw malformed("a number of more than 10 bytes");
}

/** What was sent is no message. */
export function malformed(saw: string): ReleaseError {
  return new ReleaseError("PROTOCOL", {
    rule: "ML Metadata did not answer with a Protocol Buffers message",
    saw,
    hint: "check that `metadata-endpoint` leads to the metadata service and nothing between cuts its answers",
  });
}

export function int64Of(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

/** An id: such that a number holds it exactly. */
export function idOf(value: bigint): number {
  const id = Number(int64Of(value));
  if (!Number.isSafeInteger(id)) throw malformed(`the id ${value}`);
  return id;
}

export function doubleOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Numbers of a repeated field, each in a field of its own or all packed in one. */
export function numbersOf(field: Field): readonly bigint[] {
  if (field.wire === "varint") return [field.value];
  if (field.wire !== "bytes") throw malformed("a number of another kind");
  const values: bigint[] = [];
  for (let at = 0; at < field.value.length; ) {
    const { value, end } = varintAt(field.value, at);
    values.push(value);
    at = end;
  }
  return values;
}

export function varintField(number: number, value: bigint | number): Uint8Array {
  return Buffer.concat([varint(BigInt(number) << 3n), varint(BigInt.asUintN(64, BigInt(value)))]);
}

export function bytesField(number: number, value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([varint((BigInt(number) << 3n) | 2n), varint(BigInt(bytes.length)), bytes]);
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
