import * as v from "valibot";
import type { Parameters } from "../../shared/domain/pipeline/parameters.ts";
import type { Place } from "../../shared/domain/problem.ts";
import { decodeConfig } from "../../shared/lib/decode.ts";
import { readWorkspaceFile } from "../../shared/lib/workspace-file.ts";
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
  { workspace, base }: { readonly workspace: string; readonly base: string },
): Promise<WrittenParameters> {
  if (typeof wish !== "string") return { values: (wish ?? {}) as Parameters, placeOf: () => ({ input: "parameters" }) };
  const { text, file } = await readWorkspaceFile({
    input: "parameters",
    path: wish,
    from: base,
    workspace,
    maxBytes: MAX_BYTES,
    hint: "one text is the path of a YAML file; parameters themselves are `name: value` lines, with a space after the colon",
  });
  const { value, placeOf } = parseYaml(text, { file });
  const values = decodeConfig(v.record(v.string(), v.unknown()), value ?? {}, placeOf);
  return { values: values as Parameters, placeOf: (name) => placeOf([name]) };
}
