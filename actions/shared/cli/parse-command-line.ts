import { parseArgs } from "node:util";
import { nearestName } from "../domain/nearest.ts";
import { bad, type Checked, ok, type Problem } from "../domain/problem.ts";
import { checkInput, quote } from "../runner/check-input.ts";
import type { Command, Declaration, Declarations } from "./command.ts";
import { COMMANDS, COMMON_OPTIONS } from "./commands.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export type Format = "text" | "json";

export type Invocation =
  /** Without a command: the help of all. */
  | { readonly do: "help"; readonly command: Command | undefined }
  | {
      readonly do: "run";
      readonly command: Command;
      readonly values: Readonly<Record<string, unknown>>;
      readonly store: string | undefined;
      readonly format: Format;
      /** A file that gets the answer too. */
      readonly summary: string | undefined;
    };

/** What the words of a command line ask for, or everything that is wrong with them. */
export function parseCommandLine(words: readonly string[], env: Environment): Checked<Invocation> {
  const name = words[0]?.startsWith("-") ? undefined : words[0];
  const rest = name === undefined ? words : words.slice(1);
  const command = COMMANDS.find((one) => one.name === name);
  const asksForHelp = rest.some((word) => word === "--help" || word === "-h") || name === "help" || words.length === 0;
  if (command === undefined)
    return asksForHelp ? ok({ do: "help", command: commandIn(rest) }) : bad(unknownCommand(name));
  if (asksForHelp) return ok({ do: "help", command });
  const { texts, problems } = readWords(command, rest, env);
  const values = readValues({ ...command.arguments, ...command.options, ...COMMON_OPTIONS }, { command, texts, env });
  if (values.state === "bad" || problems.length > 0)
    return bad(...problems, ...(values.state === "bad" ? values.problems : []));
  const { store, json, summary, help: _, ...own } = values.value;
  const format = json === true ? "json" : "text";
  const paths = { store: store as string | undefined, summary: summary as string | undefined };
  return ok({ do: "run", command, values: own, format, ...paths });
}

/** What was written for each argument and option. */
type Texts = ReadonlyMap<string, string>;

function readWords(command: Command, words: readonly string[], env: Environment) {
  const options: Declarations = { ...command.options, ...COMMON_OPTIONS };
  const types = Object.entries(options).map(
    ([name, { kind }]) => [name, { type: kind === "boolean" ? "boolean" : "string" }] as const,
  );
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(types),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const texts = new Map<string, string>();
  const problems: Problem[] = [];
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const declared = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (declared === undefined) problems.push(unknownOption(token.rawName, { command, names: Object.keys(options) }));
    else if (texts.has(token.name)) problems.push({ rule: "is given twice", where: { input: token.rawName } });
    else if (declared.kind === "boolean") texts.set(token.name, token.value ?? "true");
    else if (token.value === undefined || (!token.inlineValue && token.value.startsWith("--")))
      problems.push({ rule: "needs a value", where: { input: token.rawName }, hint: declared.description });
    else texts.set(token.name, token.value);
  }
  const placed = place(command, positionals, env);
  for (const [name, text] of placed.texts) texts.set(name, text);
  return { texts: texts as Texts, problems: [...problems, ...placed.problems] };
}

/** Puts words into places. Where the first one can come from the environment and one is missing, it is that one. */
function place(command: Command, words: readonly string[], env: Environment) {
  const names = Object.keys(command.arguments);
  const first = command.arguments[names[0] ?? ""];
  const standsIn = words.length === names.length - 1 && first?.env !== undefined && (env[first.env] ?? "") !== "";
  const order = standsIn ? names.slice(1) : names;
  const extra = words.slice(order.length);
  const problems = extra.map((word) => ({
    rule: "is one word too many",
    saw: quote(word),
    allowed: usageOf(command),
    hint: "quote a value that holds spaces",
  }));
  return { texts: words.slice(0, order.length).map((word, i) => [order[i] ?? "", word] as const), problems };
}

type Reading = { readonly command: Command; readonly texts: Texts; readonly env: Environment };

function readValues(declared: Declarations, reading: Reading): Checked<Readonly<Record<string, unknown>>> {
  const values: Record<string, unknown> = {};
  const problems: Problem[] = [];
  for (const [name, declaration] of Object.entries(declared)) {
    const shown = shownName(name, reading.command);
    const checked = readValue(shown, declaration, textOf(name, declaration, reading));
    if (checked.state === "ok") values[name] = checked.value;
    else problems.push(...checked.problems);
  }
  return problems.length > 0 ? bad(...problems) : ok(values);
}

function textOf(name: string, { env: variable, default: fallback = "" }: Declaration, { texts, env }: Reading): string {
  const standIn = variable === undefined ? "" : (env[variable]?.trim() ?? "");
  return texts.get(name) ?? (standIn || fallback);
}

function readValue(name: string, declaration: Declaration, text: string): Checked<unknown> {
  if (text !== "") return checkInput(name, declaration, text);
  if (declaration.required !== true) return ok(undefined);
  const { description, env } = declaration;
  return bad({
    rule: "is required",
    where: { input: name },
    saw: "nothing",
    hint: `give it${env === undefined ? "" : `, or set ${env}`} (${description})`,
  });
}

/** As people write it: `MODEL`, `--on`. */
export function shownName(name: string, command: Pick<Command, "arguments">): string {
  return name in command.arguments ? name.toUpperCase() : `--${name}`;
}

/** `ml-release diff MODEL A B`: what a command must be given. */
export function usageOf(command: Command): string {
  const places = Object.entries(command.arguments).map(([name, { required }]) =>
    required === true ? name.toUpperCase() : `[${name.toUpperCase()}]`,
  );
  const options = Object.entries(command.options).map(([name, { required, value }]) => {
    const option = value === undefined ? `--${name}` : `--${name} ${value}`;
    return required === true ? option : `[${option}]`;
  });
  return ["ml-release", command.name, ...places, ...options].join(" ");
}

function commandIn(words: readonly string[]): Command | undefined {
  return COMMANDS.find(({ name }) => name === words[0]);
}

function unknownCommand(name: string | undefined): Problem {
  const names = COMMANDS.map((command) => command.name);
  const nearest = name === undefined ? undefined : nearestName(name, names);
  return {
    rule: name === undefined ? "a command must stand before its options" : "is not a command",
    ...(name === undefined ? {} : { saw: quote(name) }),
    allowed: names.join(", "),
    hint: nearest === undefined ? "`ml-release --help` shows them" : `did you mean ${nearest}?`,
  };
}

function unknownOption(
  option: string,
  { command, names }: { readonly command: Command; readonly names: readonly string[] },
): Problem {
  const nearest = nearestName(option.replace(/^-+/, ""), names);
  return {
    rule: `is not an option of ${command.name}`,
    where: { input: option },
    ...(nearest === undefined
      ? { allowed: names.map((name) => `--${name}`).join(", ") }
      : { hint: `did you mean --${nearest}?` }),
  };
}
