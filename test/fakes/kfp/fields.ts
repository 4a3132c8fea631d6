import type { Json } from "../../../actions/shared/domain/canonical.ts";
import { failure, Refused } from "./answer.ts";
import { isObject } from "./proto-json.ts";
import type { Tags } from "./state.ts";

// What fields of requests are read as.

export function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

export function checkedTags(given: Json | undefined, prefix: string): Tags {
  const tags = isObject(given) ? Object.entries(given).map(([key, value]) => [key, String(value)] as const) : [];
  if (tags.length > 20) throw invalid(prefix, `number of tags ${tags.length} exceeds maximum of 20`);
  for (const [key, value] of tags) {
    if (key.includes(".")) throw invalid(prefix, `tag key "${key}" must not contain '.' character`);
    if (key.length > 63) throw invalid(prefix, `tag key "${key}" exceeds maximum length of 63 characters`);
    if (value.length > 63)
      throw invalid(prefix, `tag value "${value}" for key "${key}" exceeds maximum length of 63 characters`);
  }
  return Object.fromEntries(tags);
}

export function invalid(prefix: string, inner: string): Refused {
  return new Refused(failure(3, `${prefix}Invalid input error: ${inner}`, inner));
}
