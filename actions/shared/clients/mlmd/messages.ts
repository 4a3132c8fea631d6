import type { Json } from "../../domain/canonical.ts";
import {
  bytesField,
  doubleOf,
  type Field,
  idOf,
  int64Of,
  malformed,
  numbersOf,
  readFields,
  textOf,
  varintField,
} from "./wire.ts";

// The messages of ml_metadata.MetadataStoreService that a run is read by (ml_metadata/proto/metadata_store{,_service}.proto), with the
// numbers of their fields.

export type Properties = Readonly<Record<string, Json>>;

export type Context = {
  readonly id: number;
  readonly typeId: number;
  readonly type: string;
  readonly name: string;
  readonly properties: Properties;
};

export type Artifact = {
  readonly id: number;
  readonly typeId: number;
  /** Empty where an old server does not fill it in. */
  readonly type: string;
  readonly uri: string;
  readonly properties: Properties;
};

export type ExecutionState = "new" | "running" | "complete" | "failed" | "cached" | "canceled" | "unknown";

export type Execution = {
  readonly id: number;
  readonly typeId: number;
  readonly type: string;
  readonly state: ExecutionState;
  readonly properties: Properties;
};

export type Event = {
  readonly artifactId: number;
  readonly executionId: number;
  /** The name of the input or output. */
  readonly key: string;
  readonly type: "input" | "output" | "other";
};

const STATES: readonly ExecutionState[] = ["unknown", "new", "running", "complete", "failed", "cached", "canceled"];

export function decodeContext(bytes: Uint8Array): Context {
  const fields = readFields(bytes);
  return {
    id: numberAt(fields, 1),
    typeId: numberAt(fields, 2),
    name: textAt(fields, 3),
    properties: propertiesAt(fields, [4, 5]),
    type: textAt(fields, 6),
  };
}

export function decodeArtifact(bytes: Uint8Array): Artifact {
  const fields = readFields(bytes);
  return {
    id: numberAt(fields, 1),
    typeId: numberAt(fields, 2),
    uri: textAt(fields, 3),
    properties: unwrapped(propertiesAt(fields, [4, 5])),
    type: textAt(fields, 8),
  };
}

export function decodeExecution(bytes: Uint8Array): Execution {
  const fields = readFields(bytes);
  return {
    id: numberAt(fields, 1),
    typeId: numberAt(fields, 2),
    state: STATES[numberAt(fields, 3)] ?? "unknown",
    properties: propertiesAt(fields, [4, 5]),
    type: textAt(fields, 7),
  };
}

export function decodeEvent(bytes: Uint8Array): Event {
  const fields = readFields(bytes);
  const steps = bytesAt(readFields(last(fields, 3)), 1);
  const [key = ""] = steps.map((step) => textAt(readFields(step), 2));
  const type = numberAt(fields, 4);
  return {
    artifactId: numberAt(fields, 1),
    executionId: numberAt(fields, 2),
    key,
    type: INPUTS.includes(type) ? "input" : OUTPUTS.includes(type) ? "output" : "other",
  };
}

/** INPUT and DECLARED_INPUT; OUTPUT and DECLARED_OUTPUT. */
const INPUTS = [3, 2];
const OUTPUTS = [4, 1];

/** An ArtifactType or ExecutionType. */
export function decodeType(bytes: Uint8Array): { readonly id: number; readonly name: string } {
  const fields = readFields(bytes);
  return { id: numberAt(fields, 1), name: textAt(fields, 2) };
}

export type Page<T> = { readonly items: readonly T[]; readonly nextPageToken: string };

/** An answer that holds a list in its first field and, where it goes on, a token in its second. */
export function decodePage<T>(bytes: Uint8Array, decode: (item: Uint8Array) => T): Page<T> {
  const fields = readFields(bytes);
  return { items: bytesAt(fields, 1).map(decode), nextPageToken: textAt(fields, 2) };
}

/** An answer with one item, or with nothing. */
export function decodeOne<T>(bytes: Uint8Array, decode: (item: Uint8Array) => T): T | undefined {
  const [only] = bytesAt(readFields(bytes), 1);
  return only === undefined ? undefined : decode(only);
}

export function encodeTypeAndName(type: string, name: string): Uint8Array {
  return Buffer.concat([bytesField(1, type), bytesField(2, name)]);
}

export type ListOptions = { readonly pageSize?: number; readonly pageToken?: string };

export function encodeContextId(id: number, { pageSize, pageToken }: ListOptions = {}): Uint8Array {
  const options = Buffer.concat([
    ...(pageSize === undefined ? [] : [varintField(1, pageSize)]),
    ...(pageToken === undefined ? [] : [bytesField(3, pageToken)]),
  ]);
  return Buffer.concat([varintField(1, id), ...(options.length === 0 ? [] : [bytesField(2, options)])]);
}

export function encodeIds(ids: readonly number[]): Uint8Array {
  return Buffer.concat(ids.map((id) => varintField(1, id)));
}

function bytesAt(fields: readonly Field[], number: number): readonly Uint8Array[] {
  return fields.flatMap((field) => {
    if (field.number !== number) return [];
    if (field.wire !== "bytes") throw malformed(`field ${number} as ${field.wire}`);
    return [field.value];
  });
}

const NOTHING = new Uint8Array();

/** Of a field that is sent several times the last one counts. */
function last(fields: readonly Field[], number: number): Uint8Array {
  return bytesAt(fields, number).at(-1) ?? NOTHING;
}

function textAt(fields: readonly Field[], number: number): string {
  return textOf(last(fields, number));
}

function numberAt(fields: readonly Field[], number: number): number {
  const value = fields
    .filter((field) => field.number === number)
    .flatMap(numbersOf)
    .at(-1);
  return value === undefined ? 0 : idOf(value);
}

/** Properties that the type declares, and those that KFP adds: all of them are one set of names. */
function propertiesAt(fields: readonly Field[], numbers: readonly number[]): Properties {
  const entries = numbers.flatMap((number) => bytesAt(fields, number)).map(readFields);
  return Object.fromEntries(
    entries.flatMap((entry) => {
      const value = propertyOf(readFields(last(entry, 2)));
      return value === undefined ? [] : [[textAt(entry, 1), value] as const];
    }),
  );
}

/** An ml_metadata.Value. Messages of other kinds are none of ours. */
function propertyOf(fields: readonly Field[]): Json | undefined {
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
function unwrapped(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, unwrap(value)] as const));
}

function unwrap(value: Json): Json {
  const entries = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  const [only, ...more] = entries;
  if (only === undefined || more.length > 0) return value;
  const [key, inner] = only;
  if (key === "list" && Array.isArray(inner)) return inner;
  const isObject = typeof inner === "object" && inner !== null && !Array.isArray(inner);
  return key === "struct" && isObject ? inner : value;
}

/** Deeper values are no parameters, but an attack on whoever reads them. */
const DEEPEST = 100;

/** A google.protobuf.Struct. */
function structOf(bytes: Uint8Array, depth: number): Readonly<Record<string, Json>> {
  if (depth > DEEPEST) throw malformed(`values more than ${DEEPEST} deep`);
  const entries = bytesAt(readFields(bytes), 1).map(readFields);
  return Object.fromEntries(entries.map((entry) => [textAt(entry, 1), jsonOf(last(entry, 2), depth)] as const));
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
