export type Command = {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly message: string;
};

/** The commands that the runner would carry out, in order: none between `stop-commands` and its token. */
export function readCommands(stdout: string): readonly Command[] {
  const commands: Command[] = [];
  let token: string | undefined;
  for (const line of stdout.split(/\r?\n/)) {
    const command = parseCommand(line);
    if (token !== undefined) {
      if (command?.name === token) token = undefined;
      continue;
    }
    if (command === undefined) continue;
    if (command.name === "stop-commands") token = command.message;
    else commands.push(command);
  }
  return commands;
}

/** Version 2 (`::name k=v::message` at a line's start), else the old `##[name k=v;]message` anywhere in it. */
function parseCommand(line: string): Command | undefined {
  const two = /^\s*::([^\s:]+)(?: (.*?))?::(.*)$/.exec(line);
  if (two?.[1] !== undefined)
    return { name: two[1], properties: readProperties(two[2] ?? "", ","), message: unescapeText(two[3] ?? "") };
  const one = /##\[([\w-]+)(?: ([^\]]*))?\](.*)$/.exec(line);
  if (one?.[1] === undefined) return undefined;
  return { name: one[1], properties: readProperties(one[2] ?? "", ";"), message: unescapeText(one[3] ?? "") };
}

function readProperties(text: string, separator: string): Readonly<Record<string, string>> {
  const pairs = text.split(separator).filter((pair) => pair.includes("="));
  return Object.fromEntries(
    pairs.map((pair) => {
      const [key = "", ...rest] = pair.split("=");
      return [key.trim(), unescapeText(rest.join("=")).replaceAll("%3A", ":").replaceAll("%2C", ",")];
    }),
  );
}

function unescapeText(text: string): string {
  return text.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%");
}
