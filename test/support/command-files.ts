/** `key=value` lines and `key<<DELIMITER` blocks, as the runner reads them: what it would refuse is refused here. */
export function readKeyValues(text: string): Readonly<Record<string, string>> {
  const values: Record<string, string> = {};
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""));
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? "";
    if (line === "") continue;
    const equals = line.indexOf("=");
    const block = line.indexOf("<<");
    if (block > 0 && (equals < 0 || block < equals)) {
      const delimiter = line.slice(block + 2);
      const end = lines.indexOf(delimiter, i + 1);
      if (end < 0) throw new Error(`no closing delimiter ${delimiter} of ${line.slice(0, block)}`);
      values[line.slice(0, block)] = lines.slice(i + 1, end).join("\n");
      i = end;
    } else if (equals > 0) values[line.slice(0, equals)] = line.slice(equals + 1);
    else throw new Error(`the runner refuses the line ${JSON.stringify(line)}`);
  }
  return values;
}
