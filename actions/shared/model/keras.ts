import type { ScanFinding } from "../domain/model-scan.ts";
import { parseJson } from "../domain/parse-json.ts";
import type { ByteReader } from "./byte-reader.ts";
import { searchTexts } from "./search.ts";

export type KerasFinding = Pick<ScanFinding, "level" | "at" | "import" | "why">;

const LAMBDA_WHY = "a Lambda layer holds Python bytecode, which runs with the model";
const MAX_LAYERS = 100_000;

/** Walks the `config.json` of a `.keras` archive: layers with code in them, and classes of other packages than Keras. */
export function scanKerasConfig(text: string): readonly KerasFinding[] {
  const findings = new Map<string, KerasFinding>();
  const open: unknown[] = [parseJson(text)];
  if (open[0] === undefined) return [{ level: "dangerous", why: "the config of a Keras model is no JSON" }];
  for (let seen = 0; open.length > 0; seen++) {
    if (seen > MAX_LAYERS * 100)
      return [{ level: "dangerous", why: "the config of a Keras model is too large to look into" }];
    const value = open.pop();
    if (typeof value !== "object" || value === null) continue;
    const finding = findingOf(value);
    if (finding !== undefined) findings.set(`${finding.import} ${finding.why}`, finding);
    for (const inner of Object.values(value)) if (typeof inner === "object") open.push(inner);
  }
  return [...findings.values()];
}

const OWN_MODULES = /^(keras|keras_core|tensorflow\.keras|tf_keras|builtins)(\.|$)/;

function findingOf(object: object): KerasFinding | undefined {
  const { class_name: name, module, registered_name: registered }: { [key: string]: unknown } = { ...object };
  if (typeof name !== "string") return undefined;
  if (name === "Lambda" || name === "__lambda__") return { level: "dangerous", why: LAMBDA_WHY };
  if (typeof module === "string" && !OWN_MODULES.test(module))
    return { level: "code-bearing", import: `${module}.${name}`, why: "a class of another package than Keras" };
  if (typeof registered === "string" && registered !== name && !registered.startsWith("keras"))
    return { level: "code-bearing", import: registered, why: "a class that the loading program must register" };
  return undefined;
}

const LAMBDAS = ['"class_name": "Lambda"', '"class_name":"Lambda"', '"__lambda__"'];
/** An escaped letter; no writer of JSON escapes one. */
const ESCAPED = [
  "\\u004c",
  "\\u004C",
  "\\u0061",
  "\\u0063",
  "\\u006d",
  "\\u0062",
  "\\u0064",
  "\\u006c",
  "\\u0073",
  "\\u006e",
  "\\u005f",
];

/** Searches a file in which Keras keeps its config as a text (HDF5, `keras_metadata.pb`), without reading its structure. */
export async function searchKerasConfig(reader: ByteReader): Promise<readonly KerasFinding[]> {
  const found = await searchTexts(reader, [...LAMBDAS, ...ESCAPED]);
  return [...found].slice(0, 1).map(([text, at]) => ({
    level: "dangerous",
    at,
    why: LAMBDAS.includes(text) ? LAMBDA_WHY : `the config of a Keras model has an escaped letter, ${text}`,
  }));
}
