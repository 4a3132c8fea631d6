import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../../../actions/shared/cli/commands.ts";
import { helpText } from "../../../../actions/shared/cli/help.ts";
import { parseCommandLine } from "../../../../actions/shared/cli/parse-command-line.ts";
import { formatProblem } from "../../../../actions/shared/domain/problem.ts";

type Environment = Readonly<Record<string, string>>;

function parsed(line: string, env: Environment = {}) {
  const result = parseCommandLine(line.split(" ").filter(Boolean), env);
  if (result.state === "bad") return result.problems.map(formatProblem);
  const { command, ...rest } = result.value;
  return { ...rest, command: command?.name };
}

describe("what is asked for", () => {
  test.each<[line: string, command: string, values: object]>([
    ["history digits", "history", { model: "digits" }],
    [
      "history digits --alias champion --on 2026-11-01",
      "history",
      { model: "digits", alias: "champion", on: "2026-11-01" },
    ],
    ["history --alias=champion digits", "history", { model: "digits", alias: "champion" }],
    ["diff digits 1.0.0 champion", "diff", { model: "digits", a: "1.0.0", b: "champion" }],
    ["catalog --out site", "catalog", { out: "site" }],
    ["gc", "gc", { "older-than": 604_800_000, apply: false }],
    ["gc digits --older-than 36h --apply", "gc", { model: "digits", "older-than": 129_600_000, apply: true }],
  ])("%s", (line, command, values) => {
    const result = parsed(line);
    expect(result).toMatchObject({ do: "run", command, values, format: "text" });
  });

  test("the model and the store come from the environment where they are not given", () => {
    const env = { ML_RELEASE_MODEL: "digits", ML_RELEASE_STORE: "s3://models" };
    expect(parsed("history", env)).toMatchObject({ values: { model: "digits" }, store: "s3://models" });
    expect(parsed("diff 1 2", env)).toMatchObject({ values: { model: "digits", a: "1", b: "2" } });
    expect(parsed("diff letters 1 2 --store x", env)).toMatchObject({
      values: { model: "letters", a: "1" },
      store: "x",
    });
    // All models: the one of the environment would be another answer.
    expect(parsed("gc", env)).toMatchObject({ values: { model: undefined } });
  });

  test("the form of the answer, and a file that gets it too", () => {
    expect(parsed("gc --json")).toMatchObject({ format: "json", summary: undefined });
    expect(parsed("gc --summary=summary.md")).toMatchObject({ format: "text", summary: "summary.md" });
  });
});

describe("what is wrong is told whole, with what is right", () => {
  test.each<[line: string, problems: readonly (string | RegExp)[]]>([
    ["hist digits", [/is not a command \(saw "hist"; allowed: history, diff, catalog, gc\); did you mean history\?/]],
    ["--json", [/a command must stand before its options/]],
    ["history", [/input MODEL: is required \(saw nothing\); give it, or set ML_RELEASE_MODEL/]],
    [
      "history Digits --onn 2026 --alias",
      [
        /--onn: is not an option of history; did you mean --on\?/,
        /--alias: needs a value/,
        /is one word too many \(saw "2026"/,
        /MODEL: is malformed \(saw "Digits"/,
      ],
    ],
    ["history digits --alias --on 2026-11-01", [/--alias: needs a value/, /too many \(saw "2026-11-01"/]],
    ["history digits --on 1.11.2026", [/--on: is malformed/]],
    ["diff digits 1.0.0", [/input B: is required/]],
    ["diff digits 1 2 3 4", [/too many \(saw "3"; allowed: ml-release diff MODEL A B\)/, /too many \(saw "4"/]],
    ["diff digits ../x 2", [/input A: is malformed/]],
    ["catalog", [/input --out: is required/]],
    ["gc --older-than 59m", [/--older-than: is out of range \(saw "59m"; allowed: at least 1h\)/]],
    ["gc --older-than 7 --apply=maybe", [/--older-than: must be a duration/, /--apply: must be a boolean/]],
    ["gc --apply --apply", [/--apply: is given twice/]],
  ])("%s", (line, problems) => {
    const result = parsed(line);
    expect(result).toEqual(problems.map((problem) => expect.stringMatching(problem)));
  });
});

test.each(["", "--help", "-h", "help"])("ml-release %s shows the help of all", (line) => {
  expect(parsed(line)).toEqual({ do: "help", command: undefined });
});

test.each(["help gc", "gc --help", "gc -h --older-than"])("ml-release %s shows the help of the command", (line) => {
  expect(parsed(line)).toEqual({ do: "help", command: "gc" });
});

test("the help says what people need", () => {
  expect(helpText(undefined)).toMatchSnapshot("ml-release");
  for (const command of COMMANDS) expect(helpText(command)).toMatchSnapshot(command.name);
});

test("every example of the help is a right command line", () => {
  for (const example of COMMANDS.flatMap(({ examples }) => examples))
    expect(parsed(example.replace("ml-release ", ""))).toMatchObject({ do: "run" });
});
