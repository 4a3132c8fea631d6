import type { ImportLevel } from "./imports.ts";

/** What the scanner knows of a value on the stack of an unpickler. It holds just what later decides: names, and the layout of arrays. */
export type Value =
  | { readonly kind: "text"; readonly text: string }
  /** A text that is not kept: too long, or with escapes, or one too many. */
  | { readonly kind: "hidden-text" }
  | { readonly kind: "number"; readonly value: number }
  | Import
  /** Few items, not deep; a longer one is `data`. */
  | { readonly kind: "tuple"; readonly items: readonly Value[]; readonly depth: number; readonly weight: number }
  | Dictionary
  | Instance
  /** Numbers, bytes, lists, sets: cannot be called. */
  | { readonly kind: "data" }
  /** A number, a tuple, a dictionary or a data type that was one too many. Nothing can be told of it, so whatever depends on it is a doubt. */
  | { readonly kind: "forgotten" }
  /** What a loader puts in place of a persistent id: a tensor's storage. */
  | { readonly kind: "persistent" };

export type Import = { readonly kind: "import"; readonly path: string; readonly level: ImportLevel };

/** The only value that changes after it was made: everybody who has it sees the change, as in Python. */
export type Dictionary = {
  readonly kind: "dictionary";
  /** Entries that decide on the length of an array. */
  known: ArrayEntries | undefined;
  /** Whether every value is a tuple that begins with a data type of plain numbers: the fields of a structured type. */
  isPlainFields: boolean;
};

/** A plain object, not a map: a hostile file has millions of them. */
export type ArrayEntries = {
  shape: Value | undefined;
  dtype: Value | undefined;
  numpy_array_alignment_bytes: Value | undefined;
};

/** What a call of an import made. All that one import makes are one value, but for data types and wrappers of arrays, which get a state. */
export type Instance = {
  readonly kind: "instance";
  readonly of: string;
  readonly args: Value | undefined;
  readonly weight: number;
  /** What BUILD gave it: undefined before, `unknown` where that cannot be told. */
  state: Value | "unknown" | undefined;
};

export const DATA: Value = { kind: "data" };
export const HIDDEN_TEXT: Value = { kind: "hidden-text" };
export const FORGOTTEN: Value = { kind: "forgotten" };
export const PERSISTENT: Value = { kind: "persistent" };

/** The state of a data type has 8 or 9. */
const MAX_ITEMS = 9;
const MAX_DEPTH = 4;

/** What all calls of an import make. */
export function instanceOf(of: string): Instance {
  return { kind: "instance", of, args: undefined, weight: 0, state: undefined };
}

/** One that gets a state of its own. */
export function ownInstance(of: string, args: Value | undefined): Instance {
  const weight = OBJECT_BYTES + (args === undefined ? 0 : weightOf(args));
  return { kind: "instance", of, args, weight, state: undefined };
}

export function tupleOf(items: readonly Value[]): Value {
  if (items.length > MAX_ITEMS) return DATA;
  let [depth, weight] = [0, 0];
  for (const item of items) {
    if (item.kind === "tuple" && item.depth > depth) depth = item.depth;
    weight += weightOf(item);
  }
  if (depth >= MAX_DEPTH) return DATA;
  return { kind: "tuple", items, depth: depth + 1, weight: TUPLE_BYTES + 8 * items.length + weight };
}

const OBJECT_BYTES = 56;
const TUPLE_BYTES = 96;

/** About how many bytes of memory it takes for itself; what is made once costs nothing. Never changes for a value. */
export function weightOf(value: Value): number {
  switch (value.kind) {
    case "text":
      return OBJECT_BYTES + 16 + value.text.length;
    case "number":
      return OBJECT_BYTES;
    case "tuple":
      return value.weight;
    case "dictionary":
      return OBJECT_BYTES;
    case "instance":
      return value.weight;
    default:
      return 0;
  }
}
