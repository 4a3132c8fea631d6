import type { Instance, Value } from "./value.ts";

/** What follows in the stream where joblib wrote an array. */
export type ArrayBytes =
  /** A length byte, so many bytes of padding, then the numbers. */
  | { readonly state: "padded"; readonly bytes: number }
  /** An array of Python objects: a pickle of its own. */
  | { readonly state: "pickle" }
  | { readonly state: "unknown"; readonly why: string };

/** Bytes that an item has by the letter and digits of its type. */
const ITEM = /^[|<>=]?([biufcSUVmM?O])(\d+)$/;
/** Flags of a data type that mean Python objects in it (`NPY_ITEM_REFCOUNT`, `NPY_ITEM_IS_POINTER`, `NPY_LIST_PICKLE`). */
const OBJECT_FLAGS = 0x07;

/** Follows the state of a `NumpyArrayWrapper` to the length of the bytes that come after it, as joblib reads it. */
export function arrayBytes(wrapper: Instance): ArrayBytes {
  const { state } = wrapper;
  if (state === undefined || state === "unknown" || state.kind !== "dictionary" || state.known === undefined)
    return unknown("its state is no plain dictionary");
  const { shape, dtype, alignment } = {
    shape: state.known.shape,
    dtype: state.known.dtype,
    alignment: state.known.numpy_array_alignment_bytes,
  };
  const item = itemOf(dtype);
  if (item === undefined) return unknown("its data type cannot be told");
  if (item === "object") return { state: "pickle" };
  const count = countOf(shape);
  if (count === undefined) return unknown("its shape cannot be told");
  // Without padding whoever reads it with `pickle` instead of `joblib` takes the numbers for opcodes.
  if (alignment?.kind !== "number")
    return unknown(
      "it has no padding before its numbers, as joblib before 1.2 wrote it: save the model with a newer one",
    );
  return { state: "padded", bytes: count * item };
}

function unknown(why: string): ArrayBytes {
  return { state: "unknown", why: `the length of an array of joblib is not known: ${why}` };
}

function countOf(shape: Value | undefined): number | undefined {
  if (shape?.kind !== "tuple") return undefined;
  let count = 1;
  for (const size of shape.items) {
    if (size.kind !== "number" || size.value < 0) return undefined;
    count *= size.value;
  }
  return Number.isSafeInteger(count) ? count : undefined;
}

function itemOf(dtype: Value | undefined): number | "object" | undefined {
  if (dtype?.kind !== "instance" || dtype.of !== "numpy.dtype" || dtype.args?.kind !== "tuple") return undefined;
  const [name] = dtype.args.items;
  const [, letter, digits] = (name?.kind === "text" && ITEM.exec(name.text)) || [];
  if (letter === undefined || digits === undefined) return undefined;
  const bytes = Number(digits) * (letter === "U" ? 4 : 1);
  const { state } = dtype;
  if (letter === "O") return "object";
  if (state === undefined) return letter === "V" ? undefined : bytes;
  return isPlainState(state, bytes) ? bytes : undefined;
}

/** `(3, '<', None, None, None, -1, -1, 0)`: version, order, subarray, names, fields, size, alignment, flags. */
function isPlainState(state: Value | "unknown", bytes: number): boolean {
  if (state === "unknown" || state.kind !== "tuple") return false;
  const [, , subarray, , fields, size, , flags] = state.items;
  if (subarray?.kind !== "data" || size?.kind !== "number" || flags?.kind !== "number") return false;
  if ((flags.value & OBJECT_FLAGS) !== 0 || (size.value !== -1 && size.value !== bytes)) return false;
  return fields?.kind === "data" || (fields?.kind === "dictionary" && fields.isPlainFields);
}
