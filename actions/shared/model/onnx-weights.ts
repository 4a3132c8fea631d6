import { type Field, fieldsOf, type ProtobufReader, stop } from "./protobuf.ts";

/** The messages of onnx.proto that a tensor may lie in. */
type Holder = "model" | "training" | "function" | "graph" | "node" | "attribute" | "sparse" | "tensor";

const MAX_GRAPH_DEPTH = 16;

/** Which fields lead on to tensors: a constant holds some, and If, Loop and Scan have graphs with weights of their own. */
const INSIDE: Readonly<Record<Exclude<Holder, "tensor">, Readonly<Record<number, Holder>>>> = {
  model: { 7: "graph", 20: "training", 25: "function" },
  training: { 1: "graph", 2: "graph" },
  function: { 7: "node", 11: "attribute" },
  graph: { 1: "node", 5: "tensor", 15: "sparse" },
  node: { 5: "attribute" },
  attribute: { 5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse" },
  sparse: { 1: "tensor", 2: "tensor" },
};
const TENSOR_EXTERNAL_DATA = 13;
const ENTRY = { key: 1, value: 2 } as const;

/** The files that the tensors of a model say their values are in, wherever in it they stand, each once. */
export async function externalFiles(reader: ProtobufReader, size: number): Promise<readonly string[]> {
  const files = new Set<string>();
  await walk({ number: 0, wire: "bytes", at: 0, end: size }, "model", 0);
  return [...files].sort();

  async function walk(message: Field, holder: Holder, depth: number): Promise<void> {
    if (holder === "tensor") return readTensor(message);
    if (depth > MAX_GRAPH_DEPTH) throw stop({ tooLarge: `graphs nested more than ${MAX_GRAPH_DEPTH} deep` });
    const inside = INSIDE[holder];
    for await (const field of fieldsOf(reader, message)) {
      const next = inside[field.number];
      if (next !== undefined) await walk(field, next, next === "graph" ? depth + 1 : depth);
    }
  }

  async function readTensor(message: Field): Promise<void> {
    for await (const field of fieldsOf(reader, message)) {
      if (field.number !== TENSOR_EXTERNAL_DATA) continue;
      const location = await readLocation(reader, field);
      if (location !== undefined) files.add(location);
    }
  }
}

async function readLocation(reader: ProtobufReader, entry: Field): Promise<string | undefined> {
  let key = "";
  let value = "";
  for await (const field of fieldsOf(reader, entry)) {
    if (field.number === ENTRY.key) key = await reader.text(field);
    if (field.number === ENTRY.value) value = await reader.text(field);
  }
  return key === "location" ? value : undefined;
}
