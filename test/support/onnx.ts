/** Writes small ONNX files for tests, field by field. */
export type OnnxOptions = {
  readonly irVersion?: number;
  readonly opsets?: Readonly<Record<string, number>>;
  readonly inputs?: readonly OnnxTensor[];
  readonly outputs?: readonly OnnxTensor[];
  readonly weights?: readonly { readonly name: string; readonly bytes?: number; readonly location?: string }[];
};

export type OnnxTensor = {
  readonly name: string;
  readonly element: number;
  readonly shape: readonly (number | string)[];
};

export const FLOAT = 1;
export const INT64 = 7;

/** The digits model's shape: 64 pixels in, a label and ten scores out. */
export function onnxModel({
  irVersion = 10,
  opsets = { "": 21, "ai.onnx.ml": 1 },
  inputs = [{ name: "pixels", element: FLOAT, shape: [-1, 64] }],
  outputs = [
    { name: "label", element: INT64, shape: [-1] },
    { name: "scores", element: FLOAT, shape: [-1, 10] },
  ],
  weights = [{ name: "support", bytes: 1_000 }],
}: OnnxOptions = {}): Uint8Array {
  return Buffer.concat([
    number(1, irVersion),
    text(2, "skl2onnx"),
    text(3, "1.19.1"),
    message(7, [
      message(1, [text(4, "SVMClassifier")]),
      text(2, "digits"),
      ...weights.map((weight) =>
        message(5, [
          number(2, FLOAT),
          text(8, weight.name),
          ...(weight.bytes === undefined ? [] : [bytes(9, new Uint8Array(weight.bytes).fill(7))]),
          ...(weight.location === undefined
            ? []
            : [message(13, [text(1, "location"), text(2, weight.location)]), number(14, 1)]),
        ]),
      ),
      ...inputs.map((tensor) => value(11, tensor)),
      ...outputs.map((tensor) => value(12, tensor)),
    ]),
    ...Object.entries(opsets).map(([domain, version]) => message(8, [text(1, domain), number(2, version)])),
  ]);
}

function value(field: number, { name, element, shape }: OnnxTensor): Buffer {
  const dimensions = shape.map((size) =>
    message(1, typeof size === "string" ? [text(2, size)] : size === -1 ? [] : [number(1, size)]),
  );
  return message(field, [text(1, name), message(2, [message(1, [number(1, element), message(2, dimensions)])])]);
}

export function number(field: number, amount: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(amount)]);
}

export function text(field: number, content: string): Buffer {
  return bytes(field, Buffer.from(content));
}

export function message(field: number, parts: readonly Uint8Array[]): Buffer {
  return bytes(field, Buffer.concat(parts));
}

export function bytes(field: number, content: Uint8Array): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
}

function varint(amount: number): Buffer {
  const out: number[] = [];
  let rest = amount;
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  return Buffer.from([...out, rest]);
}
