import { describe, expect, test } from "vitest";
import {
  hasAll,
  merged,
  propertiesOf,
  propertyOf,
} from "../../../../../actions/shared/clients/model-registry/properties.ts";

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64");

describe("a value as a custom property", () => {
  test.each([
    ["a text", "x", { metadataType: "MetadataStringValue", string_value: "x" }],
    ["a truth", false, { metadataType: "MetadataBoolValue", bool_value: false }],
    ["a whole number", -42, { metadataType: "MetadataIntValue", int_value: "-42" }],
    ["nothing", 0, { metadataType: "MetadataIntValue", int_value: "0" }],
    ["nine digits", 999_999_999, { metadataType: "MetadataIntValue", int_value: "999999999" }],
    ["ten digits", 1_000_000_000, { metadataType: "MetadataDoubleValue", double_value: 1_000_000_000 }],
    ["a fraction", 0.1, { metadataType: "MetadataDoubleValue", double_value: 0.1 }],
    ["no number", Number.NaN, { metadataType: "MetadataStringValue", string_value: "NaN" }],
    ["a list", [1, "ü"], { metadataType: "MetadataStructValue", struct_value: base64([1, "ü"]) }],
    ["a map", { b: 1, a: 2 }, { metadataType: "MetadataStructValue", struct_value: base64({ a: 2, b: 1 }) }],
  ])("%s", (_, value, property) => {
    expect(propertyOf(value)).toEqual(property);
  });

  test("what is not there is left out", () => {
    expect(propertiesOf({ a: undefined, b: null, c: "x" })).toEqual({
      c: { metadataType: "MetadataStringValue", string_value: "x" },
    });
  });
});

test("ours are written over theirs, and theirs are kept", () => {
  const theirs = { note: { metadataType: "MetadataStringValue", string_value: "n" }, stage: { metadataType: "X" } };
  const ours = propertiesOf({ stage: "prod" });
  expect(hasAll(theirs, ours)).toBe(false);
  expect(merged(theirs, ours)).toEqual({ note: theirs.note, ...ours });
  expect(hasAll(merged(theirs, ours), ours)).toBe(true);
});
