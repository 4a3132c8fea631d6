import type { Tensor } from "../domain/model-version.ts";
import type { ByteSource } from "../ports/source-file.ts";
import { externalFiles } from "./onnx-weights.ts";
import { type Field, fieldsOf, type ProtobufReader, protobufReader, stop, whyStopped } from "./protobuf.ts";

/** What an ONNX file says about itself. */
export type OnnxFacts = {
  readonly irVersion: number;
  readonly producer?: { readonly name: string; readonly version?: string };
  /** Version of each operator set by its domain; `` is ONNX's own. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** The files beside it that hold its weights, as it names them. */
  readonly externalFiles: readonly string[];
};

export type ReadOnnx =
  | { readonly state: "read"; readonly facts: OnnxFacts }
  | { readonly state: "malformed"; readonly why: string }
  | { readonly state: "too-large"; readonly why: string };

/** Of both walks. A forest of a million nodes has some millions, since its lists of numbers are not packed. */
const MAX_FIELDS = 5_000_000;
const MAX_TYPE_DEPTH = 8;

/** Field numbers of onnx.proto (IR version 11 and all before it). */
const MODEL = { irVersion: 1, producerName: 2, producerVersion: 3, graph: 7, opset: 8 } as const;
const OPSET = { domain: 1, version: 2 } as const;
const GRAPH = { initializer: 5, input: 11, output: 12 } as const;
const TENSOR = { name: 8 } as const;
const VALUE = { name: 1, type: 2 } as const;
const TYPE = { tensor: 1, sequence: 4, map: 5, sparse: 8, optional: 9 } as const;
const TENSOR_TYPE = { element: 1, shape: 2 } as const;
const DIMENSION = { value: 1, name: 2 } as const;

/** TensorProto.DataType, in the words of the Open Inference Protocol where it has one. */
const ELEMENT_TYPES: Readonly<Record<number, string>> = {
  1: "FP32",
  2: "UINT8",
  3: "INT8",
  4: "UINT16",
  5: "INT16",
  6: "INT32",
  7: "INT64",
  8: "BYTES",
  9: "BOOL",
  10: "FP16",
  11: "FP64",
  12: "UINT32",
  13: "UINT64",
  14: "COMPLEX64",
  15: "COMPLEX128",
  16: "BF16",
};

/** Walks an ONNX file: no weights are read, nothing is run. */
export async function readOnnx(source: ByteSource): Promise<ReadOnnx> {
  try {
    return { state: "read", facts: await readModel(protobufReader(source, MAX_FIELDS), source.size) };
  } catch (error) {
    const why = whyStopped(error);
    if (why === undefined) throw error;
    return "malformed" in why ? { state: "malformed", why: why.malformed } : { state: "too-large", why: why.tooLarge };
  }
}

async function readModel(reader: ProtobufReader, size: number): Promise<OnnxFacts> {
  let irVersion: number | undefined;
  let name: string | undefined;
  let version: string | undefined;
  let graph: Graph | undefined;
  const opsets = new Map<string, number>();
  for await (const field of reader.fields(0, size)) {
    if (field.number === MODEL.irVersion) irVersion = numberOf(field);
    else if (field.number === MODEL.producerName) name = await reader.text(field);
    else if (field.number === MODEL.producerVersion) version = await reader.text(field);
    else if (field.number === MODEL.opset) {
      const opset = await readOpset(reader, field);
      opsets.set(opset.domain, opset.version);
    } else if (field.number === MODEL.graph) graph = await readGraph(reader, field);
  }
  if (irVersion === undefined || irVersion < 1) throw stop({ malformed: "it has no IR version" });
  if (graph === undefined) throw stop({ malformed: "it has no graph" });
  if (opsets.size === 0) throw stop({ malformed: "it names no operator set" });
  return {
    irVersion,
    ...(name ? { producer: { name, ...(version ? { version } : {}) } } : {}),
    opsets: Object.fromEntries(opsets),
    // Before IR version 4 weights were listed as inputs too.
    inputs: graph.inputs.filter((input) => !graph.weights.has(input.name)),
    outputs: graph.outputs,
    externalFiles: await externalFiles(reader, size),
  };
}

async function readOpset(reader: ProtobufReader, message: Field) {
  let domain = "";
  let version = 0;
  for await (const field of fieldsOf(reader, message)) {
    if (field.number === OPSET.domain) domain = await reader.text(field);
    if (field.number === OPSET.version) version = numberOf(field);
  }
  return { domain: domain === "ai.onnx" ? "" : domain, version };
}

type Graph = {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly weights: ReadonlySet<string>;
};

async function readGraph(reader: ProtobufReader, message: Field): Promise<Graph> {
  const inputs: Tensor[] = [];
  const outputs: Tensor[] = [];
  const weights = new Set<string>();
  for await (const field of fieldsOf(reader, message)) {
    if (field.number === GRAPH.input) inputs.push(await readValue(reader, field));
    else if (field.number === GRAPH.output) outputs.push(await readValue(reader, field));
    else if (field.number === GRAPH.initializer) weights.add(await readName(reader, field));
  }
  return { inputs, outputs, weights };
}

async function readName(reader: ProtobufReader, tensor: Field): Promise<string> {
  let name = "";
  for await (const field of fieldsOf(reader, tensor)) if (field.number === TENSOR.name) name = await reader.text(field);
  return name;
}

async function readValue(reader: ProtobufReader, message: Field): Promise<Tensor> {
  let name = "";
  let type: Omit<Tensor, "name"> = { type: "unknown" };
  for await (const field of fieldsOf(reader, message)) {
    if (field.number === VALUE.name) name = await reader.text(field);
    if (field.number === VALUE.type) type = await readType(reader, { message: field, depth: 0 });
  }
  return { name, ...type };
}

type Nested = { readonly message: Field; readonly depth: number };

async function readType(reader: ProtobufReader, { message, depth }: Nested): Promise<Omit<Tensor, "name">> {
  if (depth > MAX_TYPE_DEPTH) throw stop({ tooLarge: `types nested more than ${MAX_TYPE_DEPTH} deep` });
  for await (const field of fieldsOf(reader, message)) {
    switch (field.number) {
      case TYPE.tensor:
      case TYPE.sparse:
        return await readTensorType(reader, field);
      case TYPE.sequence:
        return { type: `sequence(${await innerType(reader, { message: field, depth })})` };
      case TYPE.optional:
        return { type: `optional(${await innerType(reader, { message: field, depth })})` };
      case TYPE.map:
        return { type: "map" };
    }
  }
  return { type: "unknown" };
}

async function innerType(reader: ProtobufReader, { message, depth }: Nested): Promise<string> {
  for await (const field of fieldsOf(reader, message)) {
    if (field.number === 1) return (await readType(reader, { message: field, depth: depth + 1 })).type;
  }
  return "unknown";
}

async function readTensorType(reader: ProtobufReader, message: Field): Promise<Omit<Tensor, "name">> {
  let type = "unknown";
  let shape: (number | string)[] | undefined;
  for await (const field of fieldsOf(reader, message)) {
    if (field.number === TENSOR_TYPE.element) type = ELEMENT_TYPES[numberOf(field)] ?? `type ${numberOf(field)}`;
    if (field.number === TENSOR_TYPE.shape) {
      shape = [];
      for await (const dimension of fieldsOf(reader, field)) shape.push(await readDimension(reader, dimension));
    }
  }
  return { type, ...(shape === undefined ? {} : { shape }) };
}

/** -1: any length. */
async function readDimension(reader: ProtobufReader, message: Field): Promise<number | string> {
  for await (const field of fieldsOf(reader, message)) {
    if (field.number === DIMENSION.value) return numberOf(field);
    if (field.number === DIMENSION.name) return (await reader.text(field)) || -1;
  }
  return -1;
}

function numberOf(field: Field): number {
  if (field.wire === "number") return field.value;
  throw stop({ malformed: `field ${field.number} holds bytes where a number belongs` });
}
