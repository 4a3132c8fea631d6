import type { Tensor } from "../domain/model-version.ts";
import type { ByteSource } from "../ports/source-file.ts";
import { type Field, fieldsOf, type ProtobufReader, protobufReader, stop, whyStopped } from "./protobuf.ts";

export type SavedModelFacts = {
  readonly version: string | undefined;
  readonly signature: { readonly inputs: readonly Tensor[]; readonly outputs: readonly Tensor[] } | undefined;
  /** Operations that reach beyond the graph. */
  readonly dangerousOps: readonly string[];
};

export type ReadSavedModel =
  | { readonly state: "read"; readonly facts: SavedModelFacts }
  | { readonly state: "malformed" | "too-large"; readonly why: string };

const MAX_FIELDS = 5_000_000;
/** Read and write files, or call back into Python. */
const DANGEROUS_OPS: ReadonlySet<string> = new Set([
  "ReadFile",
  "WriteFile",
  "MatchingFiles",
  "Save",
  "PyFunc",
  "PyFuncStateless",
  "EagerPyFunc",
  "DebugIdentity",
]);
/** The one of several that a server takes where it is not told another. */
const DEFAULT_SIGNATURE = "serving_default";

/** Field numbers of saved_model.proto, meta_graph.proto, graph.proto, function.proto, node_def.proto. */
const SAVED_MODEL = { metaGraph: 2 } as const;
const META_GRAPH = { info: 1, graph: 2, signature: 5 } as const;
const META_INFO = { tensorflow: 5 } as const;
const GRAPH = { node: 1, library: 2 } as const;
const LIBRARY = { function: 1 } as const;
const FUNCTION = { node: 3 } as const;
const NODE = { op: 2 } as const;
const ENTRY = { key: 1, value: 2 } as const;
const SIGNATURE = { inputs: 1, outputs: 2 } as const;
const TENSOR = { type: 2, shape: 3 } as const;
const SHAPE = { dimension: 2, unknownRank: 3 } as const;
const DIMENSION = { size: 1 } as const;

/** DataType of types.proto, in the words of the Open Inference Protocol where it has one. */
const TYPES: Readonly<Record<number, string>> = {
  1: "FP32",
  2: "FP64",
  3: "INT32",
  4: "UINT8",
  5: "INT16",
  6: "INT8",
  7: "BYTES",
  8: "COMPLEX64",
  9: "INT64",
  10: "BOOL",
  14: "BF16",
  17: "UINT16",
  18: "COMPLEX128",
  19: "FP16",
  22: "UINT32",
  23: "UINT64",
};

/** Walks a `saved_model.pb`: its operations, and the inputs and outputs that it serves. No tensor is read. */
export async function readSavedModel(source: ByteSource): Promise<ReadSavedModel> {
  try {
    return { state: "read", facts: await readFacts(protobufReader(source, MAX_FIELDS), source.size) };
  } catch (error) {
    const why = whyStopped(error);
    if (why === undefined) throw error;
    return "malformed" in why ? { state: "malformed", why: why.malformed } : { state: "too-large", why: why.tooLarge };
  }
}

async function readFacts(reader: ProtobufReader, size: number): Promise<SavedModelFacts> {
  let graphs = 0;
  let version: string | undefined;
  const ops = new Set<string>();
  const signatures = new Map<string, SavedModelFacts["signature"]>();
  for await (const metaGraph of reader.fields(0, size)) {
    if (metaGraph.number !== SAVED_MODEL.metaGraph) continue;
    graphs++;
    for await (const field of fieldsOf(reader, metaGraph)) {
      if (field.number === META_GRAPH.info) version ??= await textIn(reader, field, META_INFO.tensorflow);
      else if (field.number === META_GRAPH.graph) await readOps(reader, field, ops);
      else if (field.number === META_GRAPH.signature) {
        const [key, value] = await entryOf(reader, field);
        if (value !== undefined && !signatures.has(key)) signatures.set(key, await readSignature(reader, value));
      }
    }
  }
  if (graphs === 0) throw stop({ malformed: "it has no graph" });
  const served = [...signatures].filter(([name]) => !name.startsWith("__"));
  const only = served.length === 1 ? served[0]?.[1] : undefined;
  return {
    version,
    signature: signatures.get(DEFAULT_SIGNATURE) ?? only,
    dangerousOps: [...ops].filter((op) => DANGEROUS_OPS.has(op)).sort(),
  };
}

async function readOps(reader: ProtobufReader, graph: Field, ops: Set<string>): Promise<void> {
  const readNode = async (node: Field) => {
    const op = await textIn(reader, node, NODE.op);
    if (op !== undefined) ops.add(op);
  };
  for await (const field of fieldsOf(reader, graph)) {
    if (field.number === GRAPH.node) await readNode(field);
    if (field.number !== GRAPH.library) continue;
    for await (const one of fieldsOf(reader, field)) {
      if (one.number !== LIBRARY.function) continue;
      for await (const node of fieldsOf(reader, one)) if (node.number === FUNCTION.node) await readNode(node);
    }
  }
}

async function readSignature(reader: ProtobufReader, message: Field): Promise<SavedModelFacts["signature"]> {
  const inputs: Tensor[] = [];
  const outputs: Tensor[] = [];
  for await (const field of fieldsOf(reader, message)) {
    const list = field.number === SIGNATURE.inputs ? inputs : field.number === SIGNATURE.outputs ? outputs : undefined;
    if (list === undefined) continue;
    const [name, tensor] = await entryOf(reader, field);
    if (tensor !== undefined) list.push({ name, ...(await readTensor(reader, tensor)) });
  }
  // A map has no order: theirs by name is the same in every export.
  const byName = (a: Tensor, b: Tensor) => (a.name < b.name ? -1 : 1);
  return { inputs: inputs.sort(byName), outputs: outputs.sort(byName) };
}

async function readTensor(reader: ProtobufReader, message: Field): Promise<Omit<Tensor, "name">> {
  let type = "unknown";
  let shape: number[] | undefined;
  for await (const field of fieldsOf(reader, message)) {
    if (field.number === TENSOR.type && field.wire === "number") type = TYPES[field.value] ?? `type ${field.value}`;
    if (field.number === TENSOR.shape) shape = await readShape(reader, field);
  }
  return { type, ...(shape === undefined ? {} : { shape }) };
}

async function readShape(reader: ProtobufReader, message: Field): Promise<number[] | undefined> {
  const shape: number[] = [];
  for await (const field of fieldsOf(reader, message)) {
    if (field.number === SHAPE.unknownRank && field.wire === "number" && field.value !== 0) return undefined;
    if (field.number !== SHAPE.dimension) continue;
    let size = 0;
    for await (const one of fieldsOf(reader, field))
      if (one.number === DIMENSION.size && one.wire === "number") size = one.value;
    shape.push(size);
  }
  return shape;
}

async function entryOf(
  reader: ProtobufReader,
  entry: Field,
): Promise<readonly [key: string, value: Field | undefined]> {
  let value: Field | undefined;
  for await (const field of fieldsOf(reader, entry)) if (field.number === ENTRY.value) value = field;
  return [(await textIn(reader, entry, ENTRY.key)) ?? "", value];
}

async function textIn(reader: ProtobufReader, message: Field, number: number): Promise<string | undefined> {
  for await (const field of fieldsOf(reader, message)) if (field.number === number) return await reader.text(field);
  return undefined;
}
