import type { Place } from "../problem.ts";

/** One rule's text and where it starts in the whole text, line and column from 1. */
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

/** The place of a letter of a rule; a text that is a part of a larger one starts at its place there. */
export function placeIn(piece: Piece, where: Place, at: number): Place {
  const line = (where.line ?? 1) + piece.line - 1;
  const before = piece.line === 1 ? (where.column ?? 1) - 1 : 0;
  return { ...where, line, column: before + piece.column + at };
}
