import { hasOperator, parseGateLines } from "../domain/gate/lines.ts";
import { parseGateObjects } from "../domain/gate/objects.ts";
import type { Rule } from "../domain/gate/rule.ts";
import type { Checked, Place } from "../domain/problem.ts";
import { ReleaseError } from "./error.ts";
import { readWorkspaceFile } from "./workspace-file.ts";

/** The rules and where they are from; there is no place where no gate was given. */
export type Gates = { readonly rules: readonly Rule[]; readonly where?: Place };

export type GatesInput = {
  readonly input: string;
  /** Rules, in lines or as objects, or the path of a file with them: a value without an operator is a path. */
  readonly text: string | undefined;
  /** Where relative paths start. */
  readonly from: string;
  readonly workspace: string;
};

const MAX_BYTES = 1024 * 1024;

/** Throws everything that is wrong with the rules at once, with file (or input), line and column. */
export async function readGates({ input, text, from, workspace }: GatesInput): Promise<Gates> {
  if (text === undefined) return { rules: [] };
  if (isObjects(text)) return readObjects(text, { input });
  if (hasOperator(text) || text.trim().includes("\n")) return readLines(text, { input });
  const found = await readWorkspaceFile({
    input,
    path: text,
    from,
    workspace,
    maxBytes: MAX_BYTES,
    hint: "a value without an operator is a path; a rule is written such as accuracy >= 0.95",
  });
  const where = { file: found.file };
  return /\.(ya?ml|json)$/i.test(found.file) ? readObjects(found.text, where) : readLines(found.text, where);
}

/** The object form within the input: its first line that is no comment is `rules:`, or it is JSON. */
function isObjects(text: string): boolean {
  return /^(?:\s*#.*\n)*\s*(?:rules\s*:|\{)/.test(text);
}

function readLines(text: string, where: Place): Gates {
  return { rules: soundOf(parseGateLines(text, where), where), where };
}

/** The YAML parser is loaded for the gates that need it. */
async function readObjects(
  text: string,
  where: { readonly file: string } | { readonly input: string },
): Promise<Gates> {
  const { parseYaml } = await import("./yaml.ts");
  const { value, placeOf } = parseYaml(text, where);
  return { rules: soundOf(parseGateObjects(value, placeOf), where), where };
}

function soundOf(parsed: Checked<readonly Rule[]>, where: Place): readonly Rule[] {
  if (parsed.state === "ok") return parsed.value;
  throw new ReleaseError(where.file === undefined ? "INPUT" : "CONFIG", parsed.problems);
}
