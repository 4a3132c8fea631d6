import { canonicalJson, isJsonList, isJsonObject, type Json, type JsonObject } from "../canonical.ts";
import type { KubeObject } from "../manifest/object.ts";
import { parseQuantity } from "../manifest/quantity.ts";

/**
 * Whether two pod templates mean the same. A controller that writes an object back writes it in its own form: without what says nothing
 * (`""`, `[]`, `false`), with empty mappings that nobody wrote, and `1` for `1000m`.
 */
export function isSameTemplate(one: KubeObject, other: KubeObject): boolean {
  return canonicalJson(normal(one) ?? {}) === canonicalJson(normal(other) ?? {});
}

/** Where quantities stand. */
const QUANTITIES = ["limits", "requests", "sizeLimit", "storage"];

/** Undefined for what says nothing. */
function normal(value: Json, isQuantity = false): Json | undefined {
  if (isJsonList(value)) {
    const items = value.map((item) => normal(item, isQuantity) ?? null);
    return items.length === 0 ? undefined : items;
  }
  if (isJsonObject(value)) return normalObject(value, isQuantity);
  if (isQuantity && value !== null) return parseQuantity(String(value)) ?? value;
  return value === null || value === "" || value === false || value === 0 ? undefined : value;
}

function normalObject(value: JsonObject, isQuantity: boolean): JsonObject | undefined {
  const members = Object.entries(value).flatMap(([key, one]) => {
    const said = one === undefined ? undefined : normal(one, isQuantity || QUANTITIES.includes(key));
    return said === undefined ? [] : [[key, said] as const];
  });
  return members.length === 0 ? undefined : Object.fromEntries(members);
}
