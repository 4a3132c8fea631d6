import { expect, test } from "vitest";
import { expandWord, expandWords } from "../../../../../actions/shared/domain/dockerfile/words.ts";

const VARIABLES = new Map([
  ["a", "1"],
  ["empty", ""],
  ["path", "/usr/bin"],
]);

test.each([
  ["$a", "1"],
  ["${a}b", "1b"],
  ["$ab", ""],
  ["$missing", ""],
  ["${missing:-x}", "x"],
  ["${empty:-x}", "x"],
  ["${empty-x}", ""],
  ["${a:+y}", "y"],
  ["${empty:+y}", ""],
  ["${empty+y}", "y"],
  ["${missing:-${a}}", "1"],
  ["'$a'", "$a"],
  ['"$a b"', "1 b"],
  ["\\$a", "$a"],
  ['"\\$a"', "$a"],
  ['"a\\b"', "a\\b"],
  ["/app:$path", "/app:/usr/bin"],
  ["cost: $", "cost: $"],
])("%s is %j", (text, value) => expect(expandWord(text, VARIABLES)).toBe(value));

test.each(["${a#x}", "${a/b/c}", "${a:?no}", "'open", '"open', "${a"])("%s is not understood", (text) =>
  expect(expandWord(text, VARIABLES)).toBeUndefined(),
);

test("white space outside of quotes separates words, and not that of a value", () => {
  expect(expandWords(`a "b c" d\\ e 'f  g' $s`, new Map([["s", "h i"]]))).toEqual(["a", "b c", "d e", "f  g", "h i"]);
  expect(expandWords("  ", VARIABLES)).toEqual([]);
});
