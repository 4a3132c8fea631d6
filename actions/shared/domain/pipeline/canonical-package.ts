import { canonicalJson, isJsonList, isJsonObject, type Json, type JsonObject } from "../canonical.ts";
import { readMessage } from "./proto-json.ts";

/** Whose values are data of the user, where empty is not absent: `google.protobuf.Value` in the protocol. */
const VALUES = new Set(["defaultValue", "constant", "literals", "metadata"]);

/**
 * Two packages run the same if these texts are equal: what a server read from YAML and gives back as JSON of the protocol has lost empty
 * fields, and names and numbers may be written otherwise. The SDK's version is left out: it does nothing in a run.
 */
export function canonicalPackage(documents: readonly Json[]): string {
  const [spec, platform] = documents;
  const { sdkVersion: _, ...rest } = asObject(readMessage("PipelineSpec", spec ?? {}, [0]).value);
  const settings = readMessage("PlatformSpec", platform ?? {}, [1]).value;
  return canonicalJson([fold(rest) ?? {}, fold(settings) ?? {}]);
}

/** The documents of a version as the API server gives them back: the pipeline alone, or both halves by name. */
export function packageDocuments(given: Json): readonly Json[] {
  const object = asObject(given);
  const { pipeline_spec: spec, platform_spec: platform } = object;
  if (spec === undefined) return [given];
  return platform === undefined ? [spec] : [spec, platform];
}

/** What differs first, as a path: `deploymentSpec.executors.exec-train.container.image`. Undefined where both run the same. */
export function packageDifference(one: readonly Json[], other: readonly Json[]): string | undefined {
  const [a, b] = [one, other].map((documents) => JSON.parse(canonicalPackage(documents)) as Json[]);
  return differenceAt(a?.[0], b?.[0], "") ?? differenceAt(a?.[1], b?.[1], "");
}

function differenceAt(a: Json | undefined, b: Json | undefined, path: string): string | undefined {
  if (a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b)) return undefined;
  if (!isJsonObject(a) || !isJsonObject(b)) return a === b ? undefined : path;
  for (const key of [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()) {
    const found = differenceAt(a[key], b[key], path === "" ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return path;
}

/** Without what says nothing; undefined where nothing is left. */
function fold(value: Json | undefined, key = ""): Json | undefined {
  if (value === undefined || VALUES.has(key)) return value;
  if (value === null || value === "" || value === false || value === 0) return undefined;
  if (typeof value !== "object") return value;
  if (isJsonList(value)) return value.length === 0 ? undefined : value.map((one) => fold(one) ?? null);
  const entries = Object.entries(value).flatMap(([name, one]) => {
    const folded = fold(one, name);
    return folded === undefined ? [] : [[name, folded] as const];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function asObject(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
