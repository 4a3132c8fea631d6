import { isJsonObject, type Json } from "../canonical.ts";
import { nearestName } from "../nearest.ts";
import type { PackageFault } from "../pipeline/package.ts";
import type { Parameters } from "../pipeline/parameters.ts";
import type { KubeObject, Path } from "./object.ts";

const PLACEHOLDER = /\{\{\s*parameters\.([A-Za-z_][A-Za-z0-9_-]*)\s*\}\}/g;

export type Filled = {
  readonly object: KubeObject;
  /** The parameters that the object asks for. */
  readonly asked: readonly string[];
  readonly faults: readonly PackageFault[];
};

/** The names of all placeholders `{{parameters.NAME}}`. */
export function placeholdersIn(value: Json | undefined): readonly string[] {
  if (typeof value === "string") return [...value.matchAll(PLACEHOLDER)].map(([, name = ""]) => name);
  if (typeof value !== "object" || value === null) return [];
  return [...new Set(Object.values(value).flatMap((one) => placeholdersIn(one)))];
}

/**
 * Puts the parameters into an object. A placeholder that is a whole scalar becomes the value with its type; within a text, and where
 * Kubernetes takes text only (`args`, `command`, the value of a variable, labels, annotations), its text: lists and mappings as JSON.
 */
export function fillPlaceholders(object: KubeObject, values: Parameters): Filled {
  const asked = placeholdersIn(object);
  const known = new Map(Object.entries(values));
  const faults: PackageFault[] = [];
  const filled = fill(object, []) as KubeObject;
  return { object: filled, asked, faults };

  function fill(value: Json, path: Path): Json {
    if (typeof value === "string") return fillText(value, path);
    if (Array.isArray(value)) return value.map((one, i) => fill(one, [...path, i]));
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fill(one as Json, [...path, key])]));
  }

  function fillText(text: string, path: Path): Json {
    for (const [, name = ""] of text.matchAll(PLACEHOLDER))
      if (known.get(name) === undefined) faults.push(unknownFault(name, [...known.keys()], path));
    const [whole] = text.matchAll(PLACEHOLDER);
    const given = whole === undefined ? undefined : known.get(whole[1] ?? "");
    if (whole?.[0] === text && given !== undefined && !takesText(path)) return given;
    return text.replaceAll(PLACEHOLDER, (written, name: string) => {
      const value = known.get(name);
      return value === undefined ? written : textOf(value);
    });
  }
}

function takesText(path: Path): boolean {
  const [above, last] = [path.at(-2), path.at(-1)];
  if (above === "args" || above === "command" || above === "labels" || above === "annotations") return true;
  return last === "value" && path.at(-3) === "env";
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function unknownFault(name: string, known: readonly string[], path: Path): PackageFault {
  const nearest = nearestName(name, known);
  return {
    level: "error",
    path: [0, ...path],
    rule: `no value for the placeholder {{parameters.${name}}}`,
    allowed: known.length === 0 ? "none: no parameters are given" : known.join(", "),
    hint: nearest === undefined ? `add a line \`${name}: …\` to \`parameters\`` : `did you mean ${nearest}?`,
  };
}
