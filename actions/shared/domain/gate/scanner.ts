import type { Place, Problem } from "../problem.ts";
import { type Piece, placeIn } from "./pieces.ts";

/** Where a rule cannot be read on, and why. */
export type Fault = { readonly fault: Problem };

/** Reads a rule from left to right and knows the column of what it reads. */
export type Scanner = {
  /** The text that the pattern (sticky) matches here, and moves behind it and the white space after it. */
  take(pattern: RegExp): RegExpExecArray | undefined;
  rest(): string;
  /** A problem at the start of what was taken last, or at the current place. */
  fault(rule: string, part: Omit<Problem, "rule" | "where">, at?: "last"): Fault;
};

export function scannerOf(piece: Piece, where: Place): Scanner {
  let at = 0;
  let last = 0;
  return {
    take(pattern) {
      const sticky = new RegExp(pattern.source, "y");
      sticky.lastIndex = at;
      const match = sticky.exec(piece.text);
      if (match === null) return undefined;
      last = at;
      at += match[0].length;
      while (/\s/.test(piece.text[at] ?? "")) at += 1;
      return match;
    },
    rest: () => piece.text.slice(at),
    fault(rule, part, which) {
      return { fault: { rule, where: placeIn(piece, where, which === "last" ? last : at), ...part } };
    },
  };
}

/** What stands there, for the part of a problem that says what was seen. */
export function firstWord(text: string): string {
  return /^\S+/.exec(text)?.[0] ?? "nothing";
}
