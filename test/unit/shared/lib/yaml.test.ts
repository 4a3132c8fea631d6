import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isReleaseError } from "../../../../actions/shared/lib/error.ts";
import { parseYaml, parseYamlTexts } from "../../../../actions/shared/lib/yaml.ts";

const from = { file: "a.yaml" };

test.for([
  ["a: no", { a: "no" }],
  ["a: on\nb: 010\nc: 0o10\nd: 1_000", { a: "on", b: 10, c: 8, d: "1_000" }],
  ["a: 2026-11-21", { a: "2026-11-21" }],
  ["a: &x 1\nb: *x", { a: 1, b: 1 }],
  ["", undefined],
  ["# only a comment", undefined],
  ["<<: { a: 1 }", { "<<": { a: 1 } }],
] as const)("%j is read as YAML 1.2", ([text, value]) => {
  expect(parseYaml(text, from).value ?? undefined).toEqual(value);
});

test("scalars can be kept as they were written", () => {
  expect(parseYamlTexts("a: 1.10\nb: true\nc: 0x1F", from).value).toEqual({ a: "1.10", b: "true", c: "0x1F" });
});

test.for([
  ["a: [1", /^\[CONFIG\] a\.yaml:1:6: is no valid YAML/],
  ["a: 1\n\nb: 2\na: 3", /^\[CONFIG\] a\.yaml:4:1: is no valid YAML: Map keys must be unique/],
  ["a: 1\n---\nb: 2", /^\[CONFIG\] a\.yaml:\d+:\d+: must be one YAML document/],
  ["a: *missing", /a\.yaml: is no valid YAML: Unresolved alias/],
] as const)("%j is refused at its place", ([text, message]) => {
  expect(() => parseYaml(text, from)).toThrow(message);
});

test("aliases that multiply are refused", () => {
  const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(", ")}]`);
  expect(() => parseYaml(`l0: &l0 [x]\n${levels.join("\n")}`, { input: "images" })).toThrow(
    /^\[INPUT\] input images: .*alias/,
  );
});

describe("a place", () => {
  const { placeOf } = parseYaml("a:\n  b:\n    - x\n    - c: 1\n", from);
  test.for([
    [[], 1],
    [["a"], 1],
    [["a", "b"], 2],
    [["a", "b", 0], 3],
    [["a", "b", 1, "c"], 4],
    [["a", "b", 1, "missing"], 4],
    [["missing"], 1],
  ] as const)("of %j is line %i", ([path, line]) => {
    expect(placeOf(path)).toMatchObject({ file: "a.yaml", line });
  });
});

test("any text is read or refused, never anything else", () => {
  const yamlish = fc
    .array(
      fc.constantFrom(
        "a",
        ": ",
        "- ",
        "\n",
        "  ",
        "[",
        "]",
        "{",
        "}",
        "&x ",
        "*x",
        "!!",
        "|",
        ">",
        '"',
        "'",
        "#",
        "---",
        "? ",
        "%",
        "\t",
      ),
    )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(yamlish, fc.string({ unit: "binary" })), (text) => {
      try {
        parseYaml(text, from);
      } catch (error) {
        expect(isReleaseError(error, "CONFIG")).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
