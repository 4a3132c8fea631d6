import { isJsonObject, type Json, type JsonObject } from "../canonical.ts";

/** A Kubernetes object as the API gives it. What it has is asked for by path: every kind has its own shape. */
export type KubeObject = JsonObject;

export type Path = readonly (string | number)[];

/** The value at a path; undefined where it leads nowhere. */
export function valueAt(value: Json | undefined, path: Path): Json | undefined {
  return path.reduce<Json | undefined>((now, key) => {
    if (typeof now !== "object" || now === null || !Object.hasOwn(now, key)) return undefined;
    return (now as { readonly [key: string | number]: Json | undefined })[key];
  }, value);
}

export function textAt(value: Json | undefined, path: Path): string | undefined {
  const found = valueAt(value, path);
  return typeof found === "string" ? found : undefined;
}

export function numberAt(value: Json | undefined, path: Path): number | undefined {
  const found = valueAt(value, path);
  return typeof found === "number" ? found : undefined;
}

export function listAt(value: Json | undefined, path: Path): readonly Json[] {
  const found = valueAt(value, path);
  return Array.isArray(found) ? found : [];
}

export function recordAt(value: Json | undefined, path: Path): KubeObject {
  const found = valueAt(value, path);
  return isJsonObject(found) ? found : {};
}

/** A mapping whose values are text: labels, annotations, selectors. */
export function textsAt(value: Json | undefined, path: Path): Readonly<Record<string, string>> {
  const entries = Object.entries(recordAt(value, path));
  return Object.fromEntries(entries.flatMap(([key, one]) => (typeof one === "string" ? [[key, one]] : [])));
}

/** The same value with another one at a path, which must exist but for its last key. `undefined` takes it away. */
export function withValue(value: Json, path: Path, to: Json | undefined): Json {
  const [key, ...rest] = path;
  if (key === undefined) return to ?? null;
  const inner = (value as { readonly [key: string | number]: Json | undefined })[key];
  const next = rest.length === 0 ? to : withValue(inner ?? {}, rest, to);
  if (Array.isArray(value)) return value.map((one, i) => (i === key ? (next ?? null) : one));
  const { [key]: _, ...others } = value as { readonly [key: string | number]: Json };
  return next === undefined ? others : { ...(value as KubeObject), [key]: next };
}

/** What it says it is; empty texts where it says nothing. */
export function typeOf(object: KubeObject): {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
} {
  const parts = (textAt(object, ["apiVersion"]) ?? "").split("/");
  const [group = "", version = ""] = parts.length === 1 ? ["", parts[0]] : parts;
  return { group, version, kind: textAt(object, ["kind"]) ?? "" };
}

/** RFC 3339 in milliseconds. */
export function timeAt(value: Json | undefined, path: Path): number | undefined {
  const ms = Date.parse(textAt(value, path) ?? "");
  return Number.isNaN(ms) ? undefined : ms;
}

export type Condition = {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly atMs?: number;
};

/** `status.conditions` in their order. */
export function conditionsOf(object: KubeObject): readonly Condition[] {
  return listAt(object, ["status", "conditions"]).map((one) => {
    const atMs = timeAt(one, ["lastTransitionTime"]);
    return {
      type: textAt(one, ["type"]) ?? "",
      status: textAt(one, ["status"]) ?? "",
      reason: textAt(one, ["reason"]) ?? "",
      message: textAt(one, ["message"]) ?? "",
      ...(atMs === undefined ? {} : { atMs }),
    };
  });
}

/** Of the conditions with status True the last one. */
export function lastTrue(object: KubeObject, types?: readonly string[]): Condition | undefined {
  return conditionsOf(object).findLast(
    ({ type, status }) => status === "True" && (types === undefined || types.includes(type)),
  );
}
