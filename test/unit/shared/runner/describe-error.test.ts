import { expect, test } from "vitest";
import { ReleaseError } from "../../../../actions/shared/lib/error.ts";
import { markdownReport } from "../../../../actions/shared/render/markdown.ts";
import { causeChain, concludeError } from "../../../../actions/shared/runner/describe-error.ts";

const shown = (error: unknown) => markdownReport(concludeError(error).report);

test("one problem is the headline; what to do is below", () => {
  const error = new ReleaseError("AUTH", {
    rule: "the registry refused the credentials",
    saw: "403",
    hint: "add `packages: write` to the job's permissions",
  });
  expect(shown(error)).toMatchInlineSnapshot(`
    "### ❌ \`AUTH\` the registry refused the credentials (saw 403)

    What to do: add \`packages: write\` to the job's permissions"
  `);
});

test("several problems are a table", () => {
  const error = new ReleaseError("INPUT", [
    { rule: "is required", where: { input: "name" }, saw: "nothing" },
    {
      rule: "is not known",
      where: { file: "gates.txt", line: 3 },
      saw: '"x|y"',
      allowed: "a, b",
      hint: "did you mean `a`?",
    },
  ]);
  expect(shown(error)).toMatchInlineSnapshot(`
    "### ❌ \`INPUT\` 2 things are wrong, all of them listed here

    | where         | rule         | seen    | allowed | what to do        |
    | ------------- | ------------ | ------- | ------- | ----------------- |
    | \`input name\`  | is required  | nothing |         |                   |
    | \`gates.txt:3\` | is not known | "x\\|y"  | a, b    | did you mean \`a\`? |"
  `);
});

test("a program's last words are code", () => {
  const error = new ReleaseError("COMMAND", {
    rule: "docker build failed",
    saw: "exit code 1",
    hint: "it said:\n<b>no space</b>",
  });
  expect(shown(error)).toMatchInlineSnapshot(`
    "### ❌ \`COMMAND\` docker build failed (saw exit code 1)

    #### Output

    \`\`\`
    it said:
    <b>no space</b>
    \`\`\`"
  `);
});

test("a cancel is no failure of ours", () => {
  expect(concludeError(new ReleaseError("CANCELLED", { rule: "this step was cancelled" })).report.tone).toBe("undone");
});

test("causes are told from the outermost, at most ten", () => {
  const inner = new Error("inner");
  expect(causeChain(new Error("x", { cause: new TypeError("outer", { cause: inner }) }))).toEqual([
    "TypeError: outer",
    "Error: inner",
  ]);
  const endless = new Error("endless");
  endless.cause = endless;
  expect(causeChain(endless)).toHaveLength(10);
});
