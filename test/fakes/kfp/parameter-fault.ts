import type { Json } from "../../../actions/shared/domain/canonical.ts";
import type { JsonObject } from "./answer.ts";
import { isObject } from "./proto-json.ts";

/** What the server finds wrong with the parameters of a run, in its words; the first thing only, as it does. */
export function parameterFault(spec: JsonObject, given: JsonObject): string | undefined {
  const inner = isObject(spec.pipeline_spec) ? spec.pipeline_spec : spec;
  const root = isObject(inner.root) ? inner.root : {};
  const inputs = isObject(root.inputDefinitions) ? root.inputDefinitions : {};
  const declared = isObject(inputs.parameters) ? inputs.parameters : {};
  const unknown = Object.keys(given).filter((name) => declared[name] === undefined);
  for (const [name, definition] of Object.entries(declared)) {
    if (!isObject(definition)) continue;
    const value = given[name];
    if (value === undefined) {
      if (definition.defaultValue === undefined && definition.isOptional !== true)
        return `parameter ${name} is not optional, yet has neither default value nor user provided value`;
      continue;
    }
    const fault = typeFault(name, String(definition.parameterType), value);
    if (fault !== undefined) return fault;
    const literals = definition.literals;
    if (Array.isArray(literals) && !literals.includes(value))
      return `input parameter ${name} value ${JSON.stringify(value)} is not one of the allowed literals`;
  }
  return unknown.length === 0 ? undefined : `parameter(s) provided are not required by pipeline: ${unknown.join(", ")}`;
}

const KINDS: Readonly<
  Record<string, { readonly wanted: string; readonly kind: string; readonly fits: (value: Json) => boolean }>
> = {
  NUMBER_DOUBLE: { wanted: "double or integer", kind: "number", fits: (value) => typeof value === "number" },
  NUMBER_INTEGER: { wanted: "double or integer", kind: "number", fits: (value) => typeof value === "number" },
  STRING: { wanted: "string", kind: "string", fits: (value) => typeof value === "string" },
  BOOLEAN: { wanted: "bool", kind: "bool", fits: (value) => typeof value === "boolean" },
  LIST: { wanted: "list", kind: "list", fits: (value) => Array.isArray(value) },
  STRUCT: { wanted: "struct", kind: "struct", fits: (value) => isObject(value) },
};

function typeFault(name: string, type: string, value: Json): string | undefined {
  const kind = KINDS[type];
  if (kind === undefined) return `input parameter ${name} requires type unknown`;
  return kind.fits(value)
    ? undefined
    : `input parameter ${name} requires type ${kind.wanted}, but the parameter value is not of ${kind.kind} value type`;
}
