import type { ImportLevel } from "./imports.ts";

/** What the scanner knows of a value on the stack of an unpickler. It holds just what later decides: names, and the layout of arrays. */
export type Value =
  | { readonly kind: "text"; readonly text: string }
  /** A text that is not kept: too long, or with escapes. */
  | { readonly kind: "hidden-text" }
  | { readonly kind: "number"; readonly value: number }
  | Import
  /** Few items, not deep; a longer one is `data`. */
  | { readonly kind: "tuple"; readonly items: readonly Value[]; readonly depth: number }
  | Dictionary
  | Instance
  /** Numbers, bytes, lists, sets: cannot be called. */
  | { readonly kind: "data" }
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

/** What a call of an import made. */
export type Instance = {
  readonly kind: "instance";
  readonly of: string;
  readonly args: Value | undefined;
  /** What BUILD gave it: undefined before, `unknown` where that cannot be told. */
  state: Value | "unknown" | undefined;
};

export const DATA: Value = { kind: "data" };
export const HIDDEN_TEXT: Value = { kind: "hidden-text" };
export const PERSISTENT: Value = { kind: "persistent" };

/** The state of a data type has 8 or 9. */
const MAX_ITEMS = 9;
const MAX_DEPTH = 4;

export function tupleOf(items: readonly Value[]): Value {
  if (items.length > MAX_ITEMS) return DATA;
  const depth = 1 + items.reduce((most, item) => Math.max(most, item.kind === "tuple" ? item.depth : 0), 0);
  return depth > MAX_DEPTH ? DATA : { kind: "tuple", items, depth };
}
