import { COMMANDS } from "../cli/commands.ts";
import { helpText } from "../cli/help.ts";

const MARKED = /<!-- help -->[\s\S]*?<!-- \/help -->/;

/** The README of the command line with the help that it shows, of all commands and of each. Throws where the marks are missing. */
export function withHelp(readme: string): string {
  if (!MARKED.test(readme))
    throw new Error("the README of the command line needs the marks <!-- help --><!-- /help -->");
  const helps = [undefined, ...COMMANDS].map((command) => `\`\`\`text\n${helpText(command)}\`\`\``);
  return readme.replace(MARKED, () => `<!-- help -->\n${helps.join("\n\n")}\n<!-- /help -->`);
}
