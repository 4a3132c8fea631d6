import { isJsonList, isJsonObject, type Json } from "../../domain/canonical.ts";
import { bytesAt, lastAt, textAt } from "./fields.ts";
import { doubleOf, type Field, int64Of, malformed, readFields, textOf } from "./wire.ts";

// Values of ML Metadata and of Protocol Buffers' own Struct, as JSON.

/** An ml_metadata.Value. Messages of other kinds are none of ours. */
export function propertyOf(fields: readonly Field[]): Json | undefined {
  const field = fields.findLast((one) => one.number >= 1 && one.number <= 6);
  if (field === undefined) return undefined;
  switch (field.number) {
    case 1:
      return Number(int64Of(number(field)));
    case 2:
      return finite(double(field));
    case 3:
      return textOf(message(field));
    case 4:
      return structOf(message(field), 0);
    case 6:
      return number(field) !== 0n;
    default:
      return undefined;
  }
}

/** In an artifact's properties, KFP puts a list or an object in one more object, which says what it is. */
export function unwrapped(properties: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, unwrap(value)] as const));
}

function unwrap(value: Json): Json {
  const entries = isJsonObject(value) ? Object.entries(value) : [];
  const [only, ...more] = entries;
  if (only === undefined || more.length > 0) return value;
  const [key, inner] = only;
  if (key === "list" && isJsonList(inner)) return inner;
  return key === "struct" && isJsonObject(inner) ? inner : value;
}

/** Deeper values are no parameters, but an attack on whoever reads them. */
const DEEPEST = 100;

/** A google.protobuf.Struct. */
function structOf(bytes: Uint8Array, depth: number): Readonly<Record<string, Json>> {
  if (depth > DEEPEST) throw malformed(`values more than ${DEEPEST} deep`);
  const entries = bytesAt(readFields(bytes), 1).map(readFields);
  return Object.fromEntries(entries.map((entry) => [textAt(entry, 1), jsonOf(lastAt(entry, 2), depth)] as const));
}

/** A google.protobuf.Value; one that says nothing is null. */
function jsonOf(bytes: Uint8Array, depth: number): Json {
  const field = readFields(bytes).findLast((one) => one.number >= 1 && one.number <= 6);
  switch (field?.number) {
    case 2:
      return finite(double(field));
    case 3:
      return textOf(message(field));
    case 4:
      return number(field) !== 0n;
    case 5:
      return structOf(message(field), depth + 1);
    case 6:
      if (depth > DEEPEST) throw malformed(`values more than ${DEEPEST} deep`);
      return bytesAt(readFields(message(field)), 1).map((item) => jsonOf(item, depth + 1));
    default:
      return null;
  }
}

/** JSON has no NaN and no infinity: words stand for them. */
function finite(value: number): Json {
  return Number.isFinite(value) ? value : String(value);
}

function message(field: Field): Uint8Array {
  if (field.wire !== "bytes") throw malformed(`a value as ${field.wire}`);
  return field.value;
}

function number(field: Field): bigint {
  if (field.wire !== "varint") throw malformed(`a whole number as ${field.wire}`);
  return field.value;
}

function double(field: Field): number {
  if (field.wire !== "fixed64") throw malformed(`a number as ${field.wire}`);
  return doubleOf(field.value);
}
