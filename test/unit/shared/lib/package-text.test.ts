import { expect, test } from "vitest";
import { binaryKind, packageText } from "../../../../actions/shared/lib/package-text.ts";
import { parseYamlDocuments } from "../../../../actions/shared/lib/yaml.ts";

const BY_SDK = "# PIPELINE DEFINITION\n# Name: x\n";
const read = (text: string) => parseYamlDocuments(packageText(text), { file: "p.yaml" }).map(({ value }) => value);

test("a sound package keeps every byte", () => {
  const text = `${BY_SDK}a: 'x'\nb: [1, 2.5, "1e3"]\nc: |\n  1e3\n---\nd: 1.0e-05\n`;
  expect(packageText(text)).toBe(text);
});

test.each(["1e3", "1E-5", "-2e+8", "1.5e5", "0o17", "08", "-019", "+.5"])(
  "%s without quotes is the text that the SDK wrote",
  (word) => {
    expect(read(`${BY_SDK}value: ${word}\nlist:\n- ${word}\nn: 1\n`)).toEqual([{ value: word, list: [word], n: 1 }]);
  },
);

test.each([
  ["1.0e-05", 1e-5],
  ["10", 10],
  ["-0.5", -0.5],
  ["0", 0],
])("%s stays a number", (word, number) => {
  expect(read(`${BY_SDK}value: ${word}\nother: 1e3\n`)).toEqual([{ value: number, other: "1e3" }]);
});

test("in a package that another program wrote nothing is quoted", () => {
  expect(read("value: 1e3\n")).toEqual([{ value: 1000 }]);
});

test("quoted texts may stand one column further left than YAML 1.2 asks, as Python and Go read them", () => {
  const text = `a:
  - "one \\"two\\" ||\\
  \\ three\\n\\
  four"
  - 'it''s
  five'
b: 1
---
c:
  - "x
  y"
`;
  expect(read(text)).toEqual([{ a: ['one "two" || three\nfour', "it's five"], b: 1 }, { c: ["x y"] }]);
  expect(packageText(text).split("\n")).toHaveLength(text.split("\n").length);
});

test("a quote that is never closed is still an error", () => {
  expect(() => read('a:\n  - "one\n  two\nb: 1\n')).toThrow(/closing "quote/);
});

test.each([
  ["PK\u0003\u0004rest", "a zip archive"],
  ["PK\u0005\u0006", "a zip archive"],
  [Buffer.from([0x1f, 0x8b, 8, 0]).toString("utf8"), "a gzip archive"],
  [Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a]).toString("utf8"), "bytes that are no text"],
  ["a: ∆☃\n", undefined],
])("%j is %s", (text, kind) => {
  expect(binaryKind(text)).toBe(kind);
});
