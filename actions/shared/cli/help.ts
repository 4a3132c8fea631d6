import type { Command, Declaration } from "./command.ts";
import { COMMANDS, COMMON_OPTIONS } from "./commands.ts";
import { EXIT_CODES } from "./exit-code.ts";
import { shownName, usageOf } from "./parse-command-line.ts";

/** The help of all commands, or of one: from their table. */
export function helpText(command: Command | undefined): string {
  return command === undefined ? overview() : helpOf(command);
}

function overview(): string {
  return sections([
    "Usage: ml-release COMMAND [OPTIONS]\n\nAsks the model store of the actions: what is there, what became of it, what is left over.",
    `Commands:\n${rows(COMMANDS.map(({ name, does }) => [name, `${does}.`]))}`,
    `Options of every command:\n${optionRows(undefined, COMMON_OPTIONS)}`,
    `Exit codes:\n${rows(EXIT_CODES.map(({ code, means }) => [String(code), means]))}`,
    "`ml-release help COMMAND` shows more. Credentials of S3 are read as the AWS command line reads them (AWS_ACCESS_KEY_ID, AWS_PROFILE, …).",
  ]);
}

function helpOf(command: Command): string {
  const own = { ...command.arguments, ...command.options };
  return sections([
    `Usage: ${usageOf(command)}`,
    [`${command.does}.`, ...command.details].join("\n"),
    Object.keys(own).length === 0 ? "" : optionRows(command, own),
    `Options of every command:\n${optionRows(command, COMMON_OPTIONS)}`,
    `Examples:\n${command.examples.map((example) => `  ${example}`).join("\n")}`,
  ]);
}

function optionRows(command: Command | undefined, declared: Readonly<Record<string, Declaration>>): string {
  return rows(
    Object.entries(declared).map(([name, declaration]) => {
      const shown = command === undefined ? `--${name}` : shownName(name, command);
      return [declaration.value === undefined ? shown : `${shown} ${declaration.value}`, wordsOf(declaration)];
    }),
  );
}

function wordsOf({ description, kind, env, default: fallback }: Declaration): string {
  const standIn = env === undefined ? "" : ` Where not given: ${env}.`;
  return `${description}${standIn}${kind === "boolean" || fallback === undefined ? "" : ` Default: ${fallback}.`}`;
}

const WIDTH = 100;

/** Two columns; what is too long for a line goes on below itself. */
function rows(table: readonly (readonly [string, string])[]): string {
  const width = Math.max(...table.map(([name]) => name.length)) + 2;
  return table.map(([name, text]) => `  ${name.padEnd(width)}${wrap(text, WIDTH - width - 2, width + 2)}`).join("\n");
}

function wrap(text: string, width: number, indent: number): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}

function sections(texts: readonly string[]): string {
  return `${texts.filter((text) => text !== "").join("\n\n")}\n`;
}
