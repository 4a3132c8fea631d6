import { expect, test } from "vitest";
import {
  formatInstruction,
  type Instruction,
  parseDockerfile,
} from "../../../../../actions/shared/domain/dockerfile/parse.ts";

test("joins continued lines and drops comments and blank lines within them", () => {
  const [, run] = read("FROM a\nRUN one \\\n  # a comment\n\n  && two\n\n# another\nUSER 1\n");
  expect(run).toMatchObject({ keyword: "RUN", rest: "one   && two", line: 2 });
});

test("knows the line of each instruction", () => {
  expect(read("# c\n\nFROM a\nRUN b \\\n c\nUSER 1").map(({ keyword, line }) => [keyword, line])).toEqual([
    ["FROM", 3],
    ["RUN", 4],
    ["USER", 6],
  ]);
});

test("splits flags from what follows", () => {
  const [, copy, run] = read(
    'FROM a\nCOPY --link --chown=1:2 --from="x" a b\nRUN --mount=type=bind,from=x,target=/y --network=none make --all\n',
  );
  expect(copy).toMatchObject({
    flags: [
      { name: "link", value: "true" },
      { name: "chown", value: "1:2" },
      { name: "from", value: "x" },
    ],
    rest: "a b",
  });
  expect(run).toMatchObject({
    flags: [
      { name: "mount", value: "type=bind,from=x,target=/y" },
      { name: "network", value: "none" },
    ],
    rest: "make --all",
  });
});

test("reads the JSON form, and takes what is no JSON as the shell form", () => {
  const [, first, second] = read(`FROM a\nCMD ["a", "b c"]\nCMD ['a']\n`);
  expect(first?.words).toEqual(["a", "b c"]);
  expect(second?.words).toBeUndefined();
});

test("takes heredocs with their bodies", () => {
  const [, copy, run, user] = read(
    "FROM a\nCOPY <<A <<-'B' /x/\none\nA\n\ttwo\n\tB\nRUN <<EOF\nFROM not an instruction\nEOF\nUSER 1\n",
  );
  expect(copy?.heredocs).toEqual([
    { name: "A", body: "one\n" },
    { name: "B", body: "two\n" },
  ]);
  expect(run?.heredocs).toEqual([{ name: "EOF", body: "FROM not an instruction\n" }]);
  expect(user).toMatchObject({ keyword: "USER", line: 10 });
});

test("reads the directives above everything else, and not below", () => {
  const parsed = parseDockerfile(
    "# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nRUN b `\n c\n# syntax=other\n",
    "Dockerfile",
  );
  expect(parsed).toMatchObject({ state: "ok", value: { syntax: "docker/dockerfile:1", escapeChar: "`" } });
  expect(parseDockerfile("# a comment\n# syntax=x\nFROM a\n", "D")).not.toHaveProperty("value.syntax");
});

test("is the same as one line, whatever comments and breaks it had", () => {
  const [, one] = read("FROM a\nRUN --network=none a && \\\n  # why\n  b\n");
  expect(one && formatInstruction(one)).toBe("RUN --network=none a &&   b");
});

test.each([
  ["", "needs a FROM"],
  ["FROM a\nCOPPY a b\n", "D:2: is no Dockerfile instruction (saw COPPY)"],
  ["FROM a\nRUN <<EOF\nx\n", "D:2: heredoc EOF has no end"],
])("%j is refused", (text, says) => {
  const parsed = parseDockerfile(text, "D");
  expect(parsed.state).toBe("bad");
  const problem = parsed.state === "bad" ? parsed.problems[0] : undefined;
  expect(`D:${problem?.where?.line}: ${problem?.rule} (saw ${problem?.saw})`).toContain(says.replace(/ \(saw .*/, ""));
});

function read(text: string): readonly Instruction[] {
  const parsed = parseDockerfile(text, "Dockerfile");
  if (parsed.state === "bad") throw new Error(JSON.stringify(parsed.problems));
  return parsed.value.instructions;
}
