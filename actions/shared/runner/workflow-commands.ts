/** Workflow commands as the runner reads them from standard output (its ActionCommand, version 2). */

/** `::name key=value::message`, one line whatever the values hold. */
export function formatCommand(
  name: string,
  message: string,
  properties: Readonly<Record<string, string | undefined>> = {},
): string {
  const pairs = Object.entries(properties).filter((pair): pair is [string, string] => (pair[1] ?? "") !== "");
  const shown = pairs.map(([key, value]) => `${key}=${escapeProperty(value)}`).join(",");
  return `::${name}${shown === "" ? "" : ` ${shown}`}::${escapeMessage(message)}`;
}

export function escapeMessage(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

export function escapeProperty(text: string): string {
  return escapeMessage(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/** Whether the runner would take a line of this text as a command: `::` first on a line, the old `##[` anywhere. */
export function looksLikeCommand(text: string): boolean {
  return /(^|[\r\n])\s*::|##\[/.test(text);
}

/** Text in which the runner takes nothing as a command. The token must be one that the text's author could not know. */
export function fence(text: string, token: string): string {
  return `::stop-commands::${token}\n${text.replace(/\n$/, "")}\n::${token}::`;
}
