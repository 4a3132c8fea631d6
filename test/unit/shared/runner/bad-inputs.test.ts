import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import type { InputDeclaration, Manifest } from "../../../../actions/shared/runner/inputs.ts";
import { inputVariable, readInputs } from "../../../../actions/shared/runner/read-inputs.ts";

// A table made from the manifests: every input of every action, missing, of the wrong type, out of range, hostile.

const root = resolve(import.meta.dirname, "../../../..");
const folders = [
  ...readdirSync(join(root, "actions")).map((name) => join(root, "actions", name)),
  join(root, "test/fixtures/actions/echo"),
].filter((folder) => existsSync(join(folder, "inputs.ts")));
const manifests = await Promise.all(
  folders.map(
    async (folder) => ((await import(join(folder, "inputs.ts"))) as { readonly manifest: Manifest }).manifest,
  ),
);

/** What no input of the kind may be. */
function wrongTexts(input: InputDeclaration): readonly string[] {
  switch (input.kind) {
    case "boolean":
      return ["yes", "1", "tRUE", "true false"];
    case "integer":
      return ["one", "1.5", "1e3", "--1", "99999999999999999999", ...outside(input, 1)];
    case "number":
      return ["one", "NaN", "Infinity", "1e999", "1,5", ...outside(input, 1)];
    case "duration":
      return ["5", "5 minutes", "-5s", "1y", ...(input.minMs ? ["0ms"] : []), ...(input.maxMs ? ["99999d"] : [])];
    case "size":
      return [
        "big",
        "-1MiB",
        "1 MiB",
        "1XB",
        ...(input.minBytes ? ["0B"] : []),
        ...(input.maxBytes ? ["99999TB"] : []),
      ];
    case "fraction":
      return ["half", "-5%", "5 %", "101%"];
    case "enum":
      return ["no-such-value", `${input.values[0]} `.repeat(2)];
    case "workspace-path":
      return ["../outside", "/etc/passwd", "no/such/file", "a\0b"];
    case "path":
    case "place":
      return ["a\0b"];
    case "map":
      return ["- a list", "just text", "a: [1, 2]", "a: 1\na: 2", "a: ["];
    case "yaml":
      return ["a: [", "a: 1\na: 2", "a: 1\n---\nb: 2", "*nothing", "a: b: c"];
    case "string":
      return [
        ...(input.pattern && !input.pattern.test("\u0007") ? ["\u0007"] : []),
        ...(input.maxLength ? ["x".repeat(input.maxLength + 1)] : []),
      ];
    case "list":
      return input.pattern && !input.pattern.test("\u0007") ? ["\u0007"] : [];
  }
}

function outside({ min, max }: { readonly min?: number; readonly max?: number }, step: number): readonly string[] {
  return [...(min === undefined ? [] : [String(min - step)]), ...(max === undefined ? [] : [String(max + step)])];
}

/** What an attacker would write; whether it is right or wrong, it must be answered, and be shown harmlessly. */
const hostile = [
  "::error::pwned",
  "a\n::set-output name=x::y",
  "$(touch /tmp/pwned)",
  "`id`; rm -rf /",
  "{{",
  "${{ secrets.X }}",
  "__proto__: { polluted: 1 }",
  "constructor",
  "../../../../etc/passwd",
  "\u202e\u0000\uffff\ud800",
  "x".repeat(100_000),
  "a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: [*d, *d, *d, *d, *d, *d, *d, *d, *d]",
];

describe.for(manifests.map((manifest) => ({ manifest, name: manifest.name })))("$name", ({ manifest }) => {
  const names = Object.keys(manifest.inputs);
  const modeOf = (name: string) => manifest.inputs[name]?.modes?.[0];
  const check = async (given: Readonly<Record<string, string>>) => {
    const env = Object.fromEntries(Object.entries(given).map(([name, text]) => [inputVariable(name), text]));
    const checked = await readInputs(manifest.inputs, {
      env,
      workspace: import.meta.dirname,
      masks: { add: () => {} },
    });
    return checked.state === "ok" ? [] : checked.problems;
  };
  /** The problems of one input, in the mode that takes it. */
  const problemsOf = async (name: string, text: string) => {
    const mode = modeOf(name);
    const problems = await check({ ...(mode === undefined ? {} : { mode }), [name]: text });
    return problems.filter(({ where }) => where?.input === name);
  };

  test("names every required input that is missing, at once", async () => {
    const required = names.filter((name) => manifest.inputs[name]?.required);
    const missing = (await check({})).filter(({ rule }) => rule === "is required").map(({ where }) => where?.input);
    expect(missing).toEqual(required);
  });

  test("has defaults that are right", async () => {
    for (const [name, input] of Object.entries(manifest.inputs)) {
      if (input.default === undefined || input.default.includes("${{") || input.kind === "workspace-path") continue;
      expect(await problemsOf(name, input.default), name).toEqual([]);
    }
  });

  const rows = names.flatMap((name) =>
    wrongTexts(manifest.inputs[name] as InputDeclaration).map((text) => ({ name, text })),
  );
  test.for(rows)("refuses $name: $text", async ({ name, text }) => {
    const problems = await problemsOf(name, text);
    expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems) expect(problem.rule).not.toBe("");
  });

  test.for(names)("answers to hostile text in %s, and shows little of it", async (name) => {
    for (const text of hostile) {
      const problems = await problemsOf(name, text);
      expect(JSON.stringify(problems).length).toBeLessThan(20_000);
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test("reads all wrong inputs in one go", async () => {
    const wrong = names
      .filter((name) => manifest.inputs[name]?.modes === undefined)
      .flatMap((name) => {
        const text = wrongTexts(manifest.inputs[name] as InputDeclaration)[0];
        return text === undefined || name === "mode" || name === "working-directory" ? [] : [[name, text] as const];
      });
    const places = new Set((await check(Object.fromEntries(wrong))).map(({ where }) => where?.input));
    expect(wrong.filter(([name]) => !places.has(name))).toEqual([]);
  });
});
