import { parseJson } from "../parse-json.ts";
import { bad, type Checked, ok, type Problem } from "../problem.ts";

export type Flag = { readonly name: string; readonly value: string };
export type Heredoc = { readonly name: string; readonly body: string };

/** One instruction with continuation lines joined, comments dropped. Lines count from 1. */
export type Instruction = {
  readonly keyword: string;
  readonly flags: readonly Flag[];
  /** What follows the flags. */
  readonly rest: string;
  /** The rest as words where it is a JSON list of strings (`CMD ["a", "b"]`). */
  readonly words?: readonly string[];
  readonly heredocs: readonly Heredoc[];
  readonly line: number;
};

export type Dockerfile = {
  /** Named by `# syntax=`: the frontend that reads the file. */
  readonly syntax?: string;
  readonly escapeChar: "\\" | "`";
  readonly instructions: readonly Instruction[];
};

const KEYWORDS = new Set(
  "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR".split(
    " ",
  ),
);
const WITH_FLAGS = new Set(["ADD", "COPY", "FROM", "HEALTHCHECK", "RUN"]);
const WITH_JSON = new Set(["ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"]);
const WITH_HEREDOCS = new Set(["ADD", "COPY", "RUN"]);

/** A Dockerfile as BuildKit splits it into instructions. Says every unknown instruction and unfinished heredoc with its line. */
export function parseDockerfile(text: string, file: string): Checked<Dockerfile> {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const directives = readDirectives(lines);
  const escapeChar = directives.get("escape") === "`" ? "`" : "\\";
  const instructions: Instruction[] = [];
  const problems: Problem[] = [];
  for (let next = 0; next < lines.length; ) {
    const joined = joinLines(lines, next, escapeChar);
    next = joined.next;
    if (joined.text === "") continue;
    const instruction = splitInstruction(joined.text, joined.line);
    const where = { file, line: joined.line };
    if (!KEYWORDS.has(instruction.keyword))
      problems.push({ rule: "is no Dockerfile instruction", where, saw: instruction.keyword });
    const taken = takeHeredocs(instruction, lines, next);
    if (taken.missing !== undefined) problems.push({ rule: `heredoc ${taken.missing} has no end`, where });
    next = taken.next;
    instructions.push({ ...instruction, heredocs: taken.heredocs });
  }
  if (!instructions.some(({ keyword }) => keyword === "FROM"))
    problems.push({ rule: "a Dockerfile needs a FROM instruction", where: { file } });
  if (problems.length > 0) return bad(...problems);
  const syntax = directives.get("syntax");
  return ok({ ...(syntax === undefined ? {} : { syntax }), escapeChar, instructions });
}

/** The value of an instruction's flag: `--from=build`. A flag without a value is "true". */
export function flagOf(instruction: Instruction, name: string): string | undefined {
  return instruction.flags.findLast((flag) => flag.name === name)?.value;
}

/** The instruction as one line and its heredocs: what it says, without comments and line breaks. */
export function formatInstruction({ keyword, flags, rest, heredocs }: Omit<Instruction, "line">): string {
  const shown = flags.map(({ name, value }) => (value === "true" ? `--${name}` : `--${name}=${value}`));
  const line = [keyword, ...shown, rest].filter((part) => part !== "").join(" ");
  return [line, ...heredocs.map(({ name, body }) => `${body}${name}`)].join("\n");
}

/** `# escape=` and `# syntax=` count only above everything else. */
function readDirectives(lines: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of lines) {
    const match = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line);
    const name = match?.[1]?.toLowerCase();
    if (name === undefined || match?.[2] === undefined || found.has(name)) break;
    if (!["syntax", "escape", "check"].includes(name)) break;
    found.set(name, match[2]);
  }
  return found;
}

function joinLines(lines: readonly string[], start: number, escapeChar: string) {
  let text = "";
  let line = start + 1;
  let next = start;
  let open = true;
  while (open && next < lines.length) {
    const raw = lines[next] ?? "";
    next++;
    if (/^\s*#/.test(raw) || (raw.trim() === "" && text !== "")) continue;
    if (text === "") line = next;
    const trimmed = text === "" ? raw.trimStart() : raw;
    const body = trimmed.trimEnd();
    open = body.endsWith(escapeChar);
    text += open ? body.slice(0, -1) : body;
    if (raw.trim() === "") break;
  }
  return { text: text.trim(), line, next };
}

function splitInstruction(text: string, line: number): Instruction {
  const [, word = "", after = ""] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
  const keyword = word.toUpperCase();
  const { flags, rest } = WITH_FLAGS.has(keyword) ? splitFlags(after) : { flags: [], rest: after };
  const words = WITH_JSON.has(keyword) ? jsonWords(rest) : undefined;
  return { keyword, flags, rest, ...(words === undefined ? {} : { words }), heredocs: [], line };
}

function splitFlags(text: string): { readonly flags: readonly Flag[]; readonly rest: string } {
  const flags: Flag[] = [];
  let rest = text;
  for (;;) {
    const match = /^--([A-Za-z][\w-]*)(?:=((?:"[^"]*"|'[^']*'|\\.|[^\s"'\\])*))?(?:\s+|$)/.exec(rest);
    if (match?.[1] === undefined) return { flags, rest };
    flags.push({ name: match[1], value: match[2] === undefined ? "true" : match[2].replaceAll(/["']/g, "") });
    rest = rest.slice(match[0].length);
  }
}

/** A JSON list of strings; undefined for anything else, which is then the shell form. */
export function jsonWords(text: string): readonly string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  const value = parseJson(text);
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
}

type Taken = { readonly heredocs: readonly Heredoc[]; readonly next: number; readonly missing?: string };

/** Bodies stand after the instruction, in the order of their `<<NAME` words; `<<-` strips leading tabs. */
function takeHeredocs({ keyword, rest, words }: Instruction, lines: readonly string[], start: number): Taken {
  const heredocs: Heredoc[] = [];
  if (!WITH_HEREDOCS.has(keyword) || words !== undefined) return { heredocs, next: start };
  let next = start;
  for (const [, tabs, name = ""] of rest.matchAll(/(?:^|\s)\d*<<(-?)(?:"|')?([A-Za-z_][\w.]*)(?:"|')?(?=\s|$)/g)) {
    const body: string[] = [];
    const read = (line: string) => (tabs === "-" ? line.replace(/^\t+/, "") : line);
    while (next < lines.length && read(lines[next] ?? "") !== name) body.push(read(lines[next++] ?? ""));
    if (next >= lines.length) return { heredocs, next, missing: name };
    next++;
    heredocs.push({ name, body: body.map((line) => `${line}\n`).join("") });
  }
  return { heredocs, next };
}
