import * as v from "valibot";
import type { Tensor } from "../domain/model-version.ts";
import { parseJson } from "../domain/parse-json.ts";
import { ReleaseError } from "../lib/error.ts";
import { parseYaml } from "../lib/yaml.ts";

export type MlmodelFacts = {
  readonly version: string | undefined;
  readonly signature: { readonly inputs: readonly Tensor[]; readonly outputs: readonly Tensor[] } | undefined;
  /** The Python module that loads the model, and code that lies beside it. */
  readonly loader: string | undefined;
  readonly code: string | undefined;
};

const text = v.optional(v.nullable(v.string()));
const MlmodelSchema = v.object({
  mlflow_version: text,
  flavors: v.record(v.string(), v.nullable(v.looseObject({ loader_module: text, code: text }))),
  signature: v.optional(v.nullable(v.object({ inputs: text, outputs: text }))),
});

const ColumnsSchema = v.array(
  v.object({
    name: v.optional(v.string()),
    type: v.string(),
    "tensor-spec": v.optional(v.object({ dtype: v.string(), shape: v.array(v.number()) })),
  }),
);

/** Reads MLflow's description of a model; undefined where it is none. */
export function readMlmodel(content: string, file: string): MlmodelFacts | undefined {
  const read = v.safeParse(MlmodelSchema, parse(content, file));
  if (!read.success) return undefined;
  const { mlflow_version: version, flavors, signature } = read.output;
  const python = flavors.python_function;
  const inputs = tensorsOf(signature?.inputs);
  const outputs = tensorsOf(signature?.outputs);
  return {
    version: version ?? undefined,
    signature: inputs === undefined || outputs === undefined ? undefined : { inputs, outputs },
    loader: python?.loader_module ?? undefined,
    code: python?.code ?? undefined,
  };
}

function parse(content: string, file: string): unknown {
  try {
    return parseYaml(content, { file }).value;
  } catch (error) {
    if (error instanceof ReleaseError) return undefined;
    throw error;
  }
}

function tensorsOf(json: string | null | undefined): readonly Tensor[] | undefined {
  if (typeof json !== "string") return undefined;
  const columns = v.safeParse(ColumnsSchema, parseJson(json));
  if (!columns.success) return undefined;
  return columns.output.map(({ name, type, "tensor-spec": tensor }, i) => ({
    name: name ?? String(i),
    type: tensor?.dtype ?? type,
    ...(tensor === undefined ? {} : { shape: tensor.shape }),
  }));
}
