import * as v from "valibot";
import type { Json } from "../canonical.ts";

const InputsSchema = v.object({
  inputs: v.pipe(
    v.array(v.object({ name: v.string(), datatype: v.string(), shape: v.array(v.number()) })),
    v.minLength(1),
  ),
});

/** Elements of a tensor that is still sent as JSON for a first question. */
const MOST_ELEMENTS = 262_144;

/**
 * A request with zeros of the shape that a model says it takes (metadata of the Open Inference Protocol v2): good for whether it answers,
 * not for whether it is right. Undefined where the metadata says too little, or JSON cannot hold it (half floats).
 */
export function zeroRequest(metadata: unknown): Json | undefined {
  const parsed = v.safeParse(InputsSchema, metadata);
  if (!parsed.success) return undefined;
  const inputs: Json[] = [];
  for (const { name, datatype, shape } of parsed.output.inputs) {
    const zero = zeroOf(datatype);
    // a variable dimension is -1
    const sizes = shape.map((size) => (size < 0 ? 1 : size));
    const elements = sizes.reduce((product, size) => product * size, 1);
    if (zero === undefined || !Number.isInteger(elements) || elements > MOST_ELEMENTS) return undefined;
    inputs.push({ name, datatype, shape: sizes, data: Array.from({ length: elements }, () => zero) });
  }
  return { inputs };
}

function zeroOf(datatype: string): Json | undefined {
  if (datatype === "BOOL") return false;
  if (datatype === "BYTES") return "";
  return /^(U?INT(8|16|32|64)|FP(32|64))$/.test(datatype) ? 0 : undefined;
}
