import { nearestName } from "../domain/nearest.ts";
import { bad, type Checked, ok, type Problem } from "../domain/problem.ts";
import { isReleaseError } from "../lib/error.ts";
import { checkInput } from "./check-input.ts";
import { type Base, readBase, readPath, readWorkspacePath } from "./input-paths.ts";
import type { InputDeclaration, Inputs } from "./inputs.ts";
import type { Masks } from "./masks.ts";

type Declarations = Readonly<Record<string, InputDeclaration>>;
type Environment = Readonly<Record<string, string | undefined>>;

export type InputSource = {
  readonly env: Environment;
  readonly workspace: string;
  /** Secrets are registered here as they are read, before anything about them is said. */
  readonly masks: Pick<Masks, "add">;
};

/** All inputs, typed; or everything that is wrong with any of them, unknown ones too. */
export async function readInputs<D extends Declarations>(
  declared: D,
  { env, workspace, masks }: InputSource,
  check?: (inputs: Partial<Inputs<D>>) => readonly Problem[],
): Promise<Checked<Inputs<D>>> {
  const texts = Object.fromEntries(Object.entries(declared).map(([name, input]) => [name, textOf(name, input, env)]));
  for (const [name, input] of Object.entries(declared)) if (input.secret) masks.add(`input ${name}`, texts[name] ?? "");
  const base = await readBase(workspace, texts["working-directory"] ?? "");
  const values: Record<string, unknown> = {};
  const problems: Problem[] = [...unknownInputs(declared, env), ...wrongModes(declared, texts, env)];
  if (base.state === "bad") problems.push(...base.problems);
  const from = base.state === "ok" ? base.value : { workspace, folder: workspace };
  for (const [name, input] of Object.entries(declared)) {
    const checked = await readInput(name, input, { text: texts[name] ?? "", base: from });
    if (checked.state === "ok") values[name] = checked.value;
    // Its problem is there already.
    else if (name !== "working-directory" || base.state === "ok") problems.push(...checked.problems);
  }
  // What is wrong by itself was given: that others miss it is no news.
  const told = new Set(problems.flatMap(({ where }) => where?.input ?? []));
  const between = check?.(values as Partial<Inputs<D>>) ?? [];
  problems.push(...between.filter(({ where }) => where?.input === undefined || !told.has(where.input)));
  return problems.length > 0 ? { state: "bad", problems } : ok(values as Inputs<D>);
}

/** The variable that the runner sets for an input: upper case, spaces as `_`, hyphens stay. */
export function inputVariable(name: string): string {
  return `INPUT_${name.replaceAll(" ", "_").toUpperCase()}`;
}

/** Empty is absent: an expression that names an unset variable comes as an empty text. */
function textOf(name: string, input: InputDeclaration, env: Environment): string {
  const given = env[inputVariable(name)]?.trim() ?? "";
  const standIn = input.env === undefined ? "" : (env[input.env]?.trim() ?? "");
  // An expression is for GitHub to evaluate; outside of it there is no such default.
  const fallback = input.default?.includes("${{") ? "" : (input.default ?? "");
  return given || standIn || fallback;
}

async function readInput(
  name: string,
  input: InputDeclaration,
  { text, base }: { readonly text: string; readonly base: Base },
): Promise<Checked<unknown>> {
  if (text === "") return readAbsent(name, input);
  const checked = await readKind(name, input, { text, base });
  // What is secret is not shown, although it is masked.
  return checked.state === "bad" && input.secret ? { ...checked, problems: checked.problems.map(unseen) } : checked;
}

function readAbsent(name: string, input: InputDeclaration): Checked<unknown> {
  if (input.default?.includes("${{")) return ok("");
  if (!input.required) return ok(undefined);
  return bad({
    rule: "is required",
    where: { input: name },
    saw: "nothing",
    hint: `add \`${name}:\` under \`with:\`${input.env === undefined ? "" : `, or set ${input.env}`} (${input.description})`,
  });
}

async function readKind(
  name: string,
  input: InputDeclaration,
  { text, base }: { readonly text: string; readonly base: Base },
): Promise<Checked<unknown>> {
  switch (input.kind) {
    case "workspace-path":
      return readWorkspacePath(name, text, base);
    case "path":
      return readPath(name, text, base);
    case "place":
      return /^[a-z][a-z0-9+.-]+:\//i.test(text) ? ok(text) : readPath(name, text, base);
    case "map":
    case "yaml":
      return readYaml(name, input, text);
    default:
      return checkInput(name, input, text);
  }
}

/** The YAML parser is loaded for the inputs that need it. */
async function readYaml(
  name: string,
  input: Extract<InputDeclaration, { kind: "map" | "yaml" }>,
  text: string,
): Promise<Checked<unknown>> {
  const { checkMap, checkYaml } = await import("./check-yaml-input.ts");
  try {
    return input.kind === "map" ? checkMap(name, text) : checkYaml(name, input.schema, text);
  } catch (error) {
    if (isReleaseError(error)) return { state: "bad", problems: error.problems };
    throw error;
  }
}

function unseen({ saw: _, ...problem }: Problem): Problem {
  return problem;
}

function unknownInputs(declared: Declarations, env: Environment): readonly Problem[] {
  const names = Object.keys(declared);
  const known = new Set(names.map(inputVariable));
  return Object.keys(env)
    .filter((variable) => variable.startsWith("INPUT_") && !known.has(variable))
    .sort()
    .map((variable) => {
      const written = variable.slice("INPUT_".length).toLowerCase();
      const nearest = nearestName(written, names);
      return {
        rule: "is not an input of this action",
        where: { input: written },
        ...(nearest === undefined ? { allowed: names.join(", ") } : { hint: `did you mean ${nearest}?` }),
      };
    });
}

/** An input that its mode would not look at is a mistake; a default is nobody's wish. */
function wrongModes(
  declared: Declarations,
  texts: Readonly<Record<string, string>>,
  env: Environment,
): readonly Problem[] {
  const mode = texts.mode ?? "";
  // What belongs to a mode that is none cannot be told.
  if (declared.mode?.kind === "enum" && !declared.mode.values.includes(mode)) return [];
  return Object.entries(declared)
    .filter(([name, input]) => {
      const given = env[inputVariable(name)]?.trim() ?? "";
      return input.modes !== undefined && given !== "" && given !== input.default && !input.modes.includes(mode);
    })
    .map(([name, input]) => ({
      rule: "has no meaning in this mode",
      where: { input: name },
      saw: `mode ${mode}`,
      allowed: `mode ${(input.modes ?? []).join(", ")}`,
      hint: `remove \`${name}\`, or set \`mode\``,
    }));
}
