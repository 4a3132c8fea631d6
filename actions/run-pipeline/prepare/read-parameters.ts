import { isAbsolute, join, relative } from "node:path";
import * as v from "valibot";
import type { Parameters } from "../../shared/domain/pipeline/parameters.ts";
import type { Place } from "../../shared/domain/problem.ts";
import { decodeConfig } from "../../shared/lib/decode.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import { readTextFile } from "../../shared/lib/read-text.ts";
import { parseYaml } from "../../shared/lib/yaml.ts";

export type WrittenParameters = {
  readonly values: Parameters;
  /** Where a parameter is written, for errors. */
  readonly placeOf: (name: string) => Place;
};

const MAX_BYTES = 1024 * 1024;

/** The parameters as they are written, in the input or in a file that it names. */
export async function readParameters(
  wish: Readonly<Record<string, unknown>> | string | undefined,
  folders: { readonly workspace: string; readonly base: string },
): Promise<WrittenParameters> {
  if (typeof wish !== "string") return { values: (wish ?? {}) as Parameters, placeOf: () => ({ input: "parameters" }) };
  const path = join(folders.base, wish);
  const isOutside = isAbsolute(wish) || relative(folders.workspace, path).startsWith("..");
  const text = isOutside ? undefined : await readTextFile(path, MAX_BYTES);
  if (text === undefined)
    throw new ReleaseError("INPUT", {
      rule: "must be `name: value` lines, or the path of a YAML file in the workspace",
      where: { input: "parameters" },
      saw: JSON.stringify(wish),
      hint: "write a space after the colon, or check the path",
    });
  const { value, placeOf } = parseYaml(text, { file: wish });
  const values = decodeConfig(v.record(v.string(), v.unknown()), value ?? {}, placeOf);
  return { values: values as Parameters, placeOf: (name) => placeOf([name]) };
}
