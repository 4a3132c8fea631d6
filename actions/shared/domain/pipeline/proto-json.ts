import { isJsonList, isJsonObject, type Json, type JsonObject } from "../canonical.ts";
import { type FieldType, type MessageName, messageOf } from "./messages.ts";
import type { PackageFault, PackagePath } from "./package.ts";

export type ReadMessage = { readonly value: Json; readonly faults: readonly PackageFault[] };

/**
 * A message in protobuf's JSON, brought into its one canonical form: names in camelCase (snake_case is as legal), numbers that were written
 * as text are numbers, enums are names, and what is null is absent. What is of another kind than declared is a fault with its place; fields
 * that KFP may declare one day stay as they are.
 */
export function readMessage(message: MessageName, written: Json, path: PackagePath): ReadMessage {
  const faults: PackageFault[] = [];
  const value = inMessage(message, written, { path, tell: (fault) => faults.push(fault) });
  return { value, faults };
}

/** The same path with the names that the document uses: what was written in snake_case is found under that name. */
export function writtenPath(documents: readonly Json[], path: PackagePath): PackagePath {
  const [first, ...keys] = path;
  let node: Json | undefined = documents[first];
  const written = keys.map((key) => {
    const name = typeof key === "string" && !has(node, key) && has(node, snakeCase(key)) ? snakeCase(key) : key;
    node = has(node, name) ? (node as Readonly<Record<string, Json>>)[name] : undefined;
    return name;
  });
  return [first, ...written];
}

/** Where a value stands, and where its faults go. */
type Spot = { readonly path: PackagePath; readonly tell: (fault: PackageFault) => void };

function below(spot: Spot, key: string | number): Spot {
  return { ...spot, path: [...spot.path, key] };
}

function inMessage(name: MessageName, written: Json, spot: Spot): Json {
  if (!isJsonObject(written)) return refuse(written, "an object", spot);
  const { fields, exclusive = [] } = messageOf(name);
  const read = new Map<string, Json>();
  for (const [key, value] of Object.entries(written)) {
    const field = fieldNamed(key, fields);
    const type = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (value === undefined || (value === null && type !== undefined && type !== "value")) continue;
    if (read.has(field)) tellOf(spot, { rule: `is written twice, in camelCase and in snake_case: ${field}` });
    else read.set(field, type === undefined ? value : inField(type, value, below(spot, key)));
  }
  for (const group of exclusive) {
    const set = group.filter((one) => read.has(one));
    const said = { rule: "has several where one is allowed", saw: set.join(", "), allowed: "one of them" };
    if (set.length > 1) tellOf(spot, said);
  }
  return Object.fromEntries(read);
}

function inField(type: FieldType, written: Json, spot: Spot): Json {
  if (typeof type === "string") return inScalar(type, written, spot);
  if ("message" in type) return inMessage(type.message, written, spot);
  if ("list" in type) return isJsonList(written) ? inList(type.list, written, spot) : refuse(written, "a list", spot);
  if ("map" in type) return isJsonObject(written) ? inMap(type.map, written, spot) : refuse(written, "an object", spot);
  return inEnum(type.oneOf, written, spot);
}

function inList(type: FieldType, written: readonly Json[], spot: Spot): Json {
  return written.map((one, i) => inField(type, one, below(spot, i)));
}

function inMap(type: FieldType, written: JsonObject, spot: Spot): Json {
  const entries = Object.entries(written);
  return Object.fromEntries(entries.map(([key, one]) => [key, inField(type, one ?? null, below(spot, key))]));
}

function inEnum(names: readonly string[], written: Json, spot: Spot): Json {
  const name = typeof written === "number" ? names[written] : written;
  if (typeof name === "string" && names.includes(name)) return name;
  return refuse(written, names.slice(1).join(", "), spot);
}

type Scalar = Extract<FieldType, string>;

const WORDS: Readonly<Record<Scalar, string>> = {
  string: "a text",
  bool: "true or false",
  integer: "a whole number",
  number: "a number",
  duration: "a duration in seconds, such as 30s",
  struct: "an object",
  value: "anything",
};

function inScalar(type: Scalar, written: Json, spot: Spot): Json {
  const read = scalar(type, written);
  if (read !== undefined) return read;
  // YAML of the version that Python writes takes `1e3` for a text, that of the server for a number
  const isUnquoted = type === "string" && (typeof written === "number" || typeof written === "boolean");
  return isUnquoted ? refuseUnquoted(written, spot) : refuse(written, WORDS[type], spot);
}

function refuse(written: Json, allowed: string, spot: Spot): Json {
  tellOf(spot, { rule: OTHER_TYPE, saw: wordFor(written), allowed });
  return written;
}

function refuseUnquoted(written: Json, spot: Spot): Json {
  tellOf(spot, { rule: OTHER_TYPE, saw: wordFor(written), allowed: WORDS.string, hint: "put it in quotes" });
  return written;
}

const OTHER_TYPE = "is of another type than KFP declares";

function tellOf({ path, tell }: Spot, said: Omit<PackageFault, "level" | "path">): void {
  tell({ level: "error", path, ...said });
}

/** Undefined for what does not fit. */
function scalar(type: Scalar, written: Json): Json | undefined {
  switch (type) {
    case "string":
      return typeof written === "string" ? written : undefined;
    case "bool":
      return typeof written === "boolean" ? written : undefined;
    case "integer":
      return wholeNumber(written);
    case "number":
      return typeof written === "number" ? written : numberIn(written);
    case "duration":
      return typeof written === "string" && /^-?\d+(?:\.\d{1,9})?s$/.test(written) ? written : undefined;
    case "struct":
      return isJsonObject(written) ? written : undefined;
    case "value":
      return written;
  }
}

function wholeNumber(written: Json): number | undefined {
  const number = typeof written === "number" ? written : numberIn(written);
  return Number.isSafeInteger(number) ? number : undefined;
}

function numberIn(written: Json): number | undefined {
  return typeof written === "string" && /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(written)
    ? Number(written)
    : undefined;
}

/** A value as it is shown in an error, in a few words. */
function wordFor(value: Json): string {
  if (isJsonList(value)) return `a list of ${value.length}`;
  if (isJsonObject(value)) return `an object with ${Object.keys(value).slice(0, 4).join(", ") || "nothing in it"}`;
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function fieldNamed(key: string, fields: Readonly<Record<string, FieldType>>): string {
  if (Object.hasOwn(fields, key)) return key;
  const camel = key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return Object.hasOwn(fields, camel) ? camel : key;
}

function snakeCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function has(node: Json | undefined, key: string | number): boolean {
  return typeof node === "object" && node !== null && Object.hasOwn(node, key);
}
