import { expect, test } from "vitest";
import { parseYamlDocuments, replaceScalars } from "../../../../actions/shared/lib/yaml.ts";

const text = `# a comment
a:
  image: image://trainer   # stays
  "rate": 1.0e-07
b: ['x', 'y']
---
image: 'other'
`;

test("scalars are replaced, every other byte stays", () => {
  const edits = [
    { document: 0, path: ["a", "image"], value: 'r@sha256:"1"' },
    { document: 0, path: ["b", 1], value: "z" },
    { document: 1, path: ["image"], value: "new" },
  ];
  expect(replaceScalars(text, edits)).toBe(
    text.replace("image://trainer", '"r@sha256:\\"1\\""').replace("'y'", '"z"').replace("'other'", '"new"'),
  );
});

test("a path that leads to no scalar changes nothing", () => {
  expect(
    replaceScalars(text, [
      { document: 0, path: ["a"], value: "x" },
      { document: 7, path: ["a"], value: "x" },
    ]),
  ).toBe(text);
});

test("each document has its values and its places", () => {
  const [first, second] = parseYamlDocuments(text, { file: "p.yaml" });
  expect([first?.value, second?.value]).toEqual([
    { a: { image: "image://trainer", rate: 1e-7 }, b: ["x", "y"] },
    { image: "other" },
  ]);
  expect([first?.placeOf(["a", "rate"]).line, second?.placeOf(["image"]).line]).toEqual([4, 7]);
});
