import type { Json } from "../../domain/canonical.ts";
import type { Page } from "../../lib/all-pages.ts";
import { bytesAt, lastAt, numberAt, textAt } from "./fields.ts";
import { propertyOf, unwrapped } from "./values.ts";
import { bytesField, type Field, readFields, varintField } from "./wire.ts";

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
  const steps = bytesAt(readFields(lastAt(fields, 3)), 1);
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

/** An answer that holds a list in its first field and, where it goes on, a token in its second. */
export function decodePage<T>(bytes: Uint8Array, decode: (item: Uint8Array) => T): Page<T> {
  const fields = readFields(bytes);
  return { items: bytesAt(fields, 1).map(decode), next: textAt(fields, 2) };
}

/** An answer with one item, or with nothing. */
export function decodeOne<T>(bytes: Uint8Array, decode: (item: Uint8Array) => T): T | undefined {
  const [only] = bytesAt(readFields(bytes), 1);
  return only === undefined ? undefined : decode(only);
}

export function encodeTypeAndName(type: string, name: string): Uint8Array {
  return Buffer.concat([bytesField(1, type), bytesField(2, name)]);
}

type ListOptions = { readonly pageSize?: number; readonly pageToken?: string };

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

/** Properties that the type declares, and those that KFP adds: all of them are one set of names. */
function propertiesAt(fields: readonly Field[], numbers: readonly number[]): Properties {
  const entries = numbers.flatMap((number) => bytesAt(fields, number)).map(readFields);
  return Object.fromEntries(
    entries.flatMap((entry) => {
      const value = propertyOf(readFields(lastAt(entry, 2)));
      return value === undefined ? [] : [[textAt(entry, 1), value] as const];
    }),
  );
}
