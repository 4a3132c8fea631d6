import * as v from "valibot";
import { canonicalJson, type Json } from "../../domain/canonical.ts";

/** A custom property as the registry types it. Whole numbers are texts, structures base64 of JSON. */
export type Property =
  | { readonly metadataType: "MetadataStringValue"; readonly string_value: string }
  | { readonly metadataType: "MetadataDoubleValue"; readonly double_value: number }
  | { readonly metadataType: "MetadataIntValue"; readonly int_value: string }
  | { readonly metadataType: "MetadataBoolValue"; readonly bool_value: boolean }
  | { readonly metadataType: "MetadataStructValue"; readonly struct_value: string };

export type Properties = Readonly<Record<string, Property>>;

/** What a server has, of whatever type: kept as it is where it is not ours. */
export const PropertiesSchema = v.optional(v.nullable(v.record(v.string(), v.record(v.string(), v.unknown()))), {});
export type ServerProperties = NonNullable<v.InferOutput<typeof PropertiesSchema>>;

/** The server keeps 32 bits and its grammar has nine digits: larger whole numbers go as doubles. */
const MAX_INT = 999_999_999;
/** A column of TEXT in MySQL holds 65,535 bytes. */
const MAX_BYTES = 60_000;

export function stringProperty(text: string): Property {
  return { metadataType: "MetadataStringValue", string_value: storable(text) };
}

/** For everything that is measured, whole or not: one name has one type, or filters find half of the versions. */
export function doubleProperty(value: number): Property {
  return { metadataType: "MetadataDoubleValue", double_value: value };
}

/** A value of JSON as the type that says most of it; undefined for what is not worth keeping or larger than a column. */
export function propertyOf(value: unknown): Property | undefined {
  switch (typeof value) {
    case "string":
      return stringProperty(value);
    case "boolean":
      return { metadataType: "MetadataBoolValue", bool_value: value };
    case "number":
      return numberProperty(value);
    case "object":
      return value === null ? undefined : structProperty(value as Json);
    default:
      return undefined;
  }
}

/** Those that have a value. */
export function propertiesOf(values: Readonly<Record<string, unknown>>): Properties {
  const entries = Object.entries(values).map(([name, value]) => [storable(name), propertyOf(value)] as const);
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, Property] => entry[1] !== undefined));
}

/** Ours over what is there: the server replaces the whole map. */
export function merged(there: ServerProperties, ours: Properties): ServerProperties {
  return { ...there, ...ours };
}

/** Whether the server has all of ours as we would write them. */
export function hasAll(there: ServerProperties, ours: Properties): boolean {
  return Object.entries(ours).every(([name, property]) => {
    const other = there[name];
    return other !== undefined && Object.entries(property).every(([key, value]) => other[key] === value);
  });
}

/** The text of a property that is there; undefined for another type. */
export function textOf(there: ServerProperties, name: string): string | undefined {
  const value = there[name]?.string_value;
  return typeof value === "string" ? value : undefined;
}

/** Without NUL, which the server refuses, and no longer than a column. */
export function storable(text: string): string {
  const clean = text.replaceAll("\u0000", "");
  if (Buffer.byteLength(clean) <= MAX_BYTES) return clean;
  const cut = new TextDecoder().decode(Buffer.from(clean).subarray(0, MAX_BYTES)).replace(/\uFFFD$/, "");
  return `${cut}…`;
}

function numberProperty(value: number): Property {
  if (!Number.isFinite(value)) return stringProperty(String(value));
  if (Number.isInteger(value) && Math.abs(value) <= MAX_INT)
    return { metadataType: "MetadataIntValue", int_value: String(value) };
  return doubleProperty(value);
}

function structProperty(value: Json): Property | undefined {
  const text = Buffer.from(canonicalJson(value)).toString("base64");
  return text.length > MAX_BYTES ? undefined : { metadataType: "MetadataStructValue", struct_value: text };
}
