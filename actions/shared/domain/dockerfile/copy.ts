import type { ContextEntry } from "../image/context.ts";
import { bad, type Checked, ok, type Problem } from "../problem.ts";
import { cleanPath, globMatcher } from "./ignore.ts";
import type { Instruction } from "./parse.ts";
import { globalVariables, readArg, type StagePlan } from "./stages.ts";
import { expandWord, expandWords, type Variables, variablesIn } from "./words.ts";

/** A source of a COPY with everything that it takes of the context. */
export type CopiedSource = {
  readonly pattern: string;
  /** A file or link by itself, or a folder, whose contents are copied. */
  readonly roots: readonly { readonly path: string; readonly isFolder: boolean }[];
};

type Found = Pick<ContextEntry, "path" | "type">;

/** The files that a COPY pattern takes from the paths of a context: single files, and folders by their contents. */
export function matchSource(pattern: string, paths: readonly Found[]): CopiedSource["roots"] {
  const wanted = cleanPath(pattern);
  if (wanted === "") return [{ path: "", isFolder: true }];
  const matches = globMatcher(wanted);
  const depth = wanted.split("/").length;
  const roots = new Map<string, boolean>();
  for (const { path, type } of paths) {
    const parts = path.split("/");
    if (parts.length < depth) continue;
    const root = parts.slice(0, depth).join("/");
    if (matches(root)) roots.set(root, roots.get(root) === true || parts.length > depth || type === "folder");
  }
  return [...roots].map(([path, isFolder]) => ({ path, isFolder })).sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The sources and the destination of a COPY or ADD, words as written. */
export function splitCopy(instruction: Instruction, variables: Variables, escapeChar: string) {
  const words =
    instruction.words?.map((word) => expandWord(word, variables, escapeChar) ?? "") ??
    expandWords(instruction.rest, variables, escapeChar);
  if (words === undefined || words.length < 2) return undefined;
  return { sources: words.slice(0, -1), destination: words.at(-1) ?? "" };
}

/**
 * The source patterns of every COPY and ADD of the plan's stages, known before the base is: so no source may be named by a variable
 * that only the base sets.
 */
export function copySources(
  plan: StagePlan,
  request: { readonly file: string; readonly platform: string },
): Checked<readonly { readonly pattern: string; readonly line: number }[]> {
  const { escapeChar } = plan.dockerfile;
  const globals = globalVariables(plan.globals, { ...request, args: plan.args });
  const problems: Problem[] = [];
  const sources: { pattern: string; line: number }[] = [];
  // A stage inherits the environment of the one that it stands on, not its build arguments.
  const environment = new Map<string, string>();
  for (const stage of plan.stages) {
    const variables = new Map(environment);
    for (const instruction of stage.instructions) {
      if (instruction.keyword === "ENV")
        for (const [name, value] of readPairs(instruction.rest, variables, escapeChar) ?? [])
          environment.set(name, value);
      declare(instruction, { variables, globals, args: plan.args, escapeChar });
      if (instruction.keyword !== "COPY" && instruction.keyword !== "ADD") continue;
      const where = { file: request.file, line: instruction.line };
      const written = instruction.words ?? instruction.rest.split(/\s+/);
      const unknown = written
        .slice(0, -1)
        .flatMap(variablesIn)
        .find((name) => !variables.has(name));
      if (unknown !== undefined)
        problems.push({
          rule: "a source of COPY must be known without the base image",
          where,
          saw: `$${unknown}`,
          hint: `declare it: ARG ${unknown}`,
        });
      const split = splitCopy(instruction, variables, escapeChar);
      if (split === undefined) problems.push({ rule: "needs sources and a destination", where, saw: instruction.rest });
      for (const pattern of split?.sources ?? []) sources.push({ pattern, line: instruction.line });
    }
  }
  return problems.length > 0 ? bad(...problems) : ok(sources);
}

export type Scope = {
  readonly variables: Map<string, string>;
  readonly globals: Variables;
  readonly args: Readonly<Record<string, string>>;
  readonly escapeChar: string;
};

/** Takes up what ARG and ENV declare; ENV wins over ARG whatever the order. */
export function declare({ keyword, rest }: Instruction, scope: Scope): void {
  const { variables, globals, args, escapeChar } = scope;
  if (keyword === "ARG") {
    for (const [name, preset] of readArg(rest, variables)) {
      const value = args[name] ?? preset ?? globals.get(name);
      if (value !== undefined && !variables.has(name)) variables.set(name, value);
    }
  }
  if (keyword === "ENV")
    for (const [name, value] of readPairs(rest, variables, escapeChar) ?? []) variables.set(name, value);
}

/** `A=1 B="2 3"`, or the old `A 1 with spaces`. All see the variables as they were before. */
export function readPairs(
  rest: string,
  variables: Variables,
  escapeChar: string,
): readonly (readonly [string, string])[] | undefined {
  const first = /^("[^"]*"|\S+)/.exec(rest)?.[0] ?? "";
  if (!first.includes("=")) {
    const [, name = "", value = ""] = /^(\S+)\s+([\s\S]*)$/.exec(rest) ?? [];
    const expanded = expandWord(value, variables, escapeChar);
    return name === "" || expanded === undefined ? undefined : [[name, expanded]];
  }
  const words = expandWords(rest, variables, escapeChar);
  if (words?.some((word) => !word.includes("="))) return undefined;
  return words?.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)] as const);
}
