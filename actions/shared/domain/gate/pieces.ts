/** One rule's text and where it starts, line and column from 1. */
export type Piece = { readonly text: string; readonly line: number; readonly column: number };

export function splitRules(text: string): readonly Piece[] {
  return text.split(/\r\n|\r|\n/).flatMap((line, index) => splitLine(line, index + 1));
}

function splitLine(line: string, number: number): readonly Piece[] {
  const pieces: Piece[] = [];
  let depth = 0;
  let start = 0;
  const close = (end: number) => {
    const raw = line.slice(start, end);
    const text = raw.trim();
    if (text !== "") pieces.push({ text, line: number, column: start + raw.length - raw.trimStart().length + 1 });
    start = end + 1;
  };
  for (let at = 0; at < line.length; at++) {
    const letter = line[at];
    if (letter === "[" || letter === "(") depth += 1;
    else if (letter === "]" || letter === ")") depth = Math.max(0, depth - 1);
    else if (letter === "," && depth === 0) close(at);
    else if (letter === "#" && depth === 0) {
      close(at);
      return pieces;
    }
  }
  close(line.length);
  return pieces;
}
