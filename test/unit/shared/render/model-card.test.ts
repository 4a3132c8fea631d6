import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCard } from "../../../../actions/register-model/prepare/own-card.ts";
import type { Json } from "../../../../actions/shared/domain/canonical.ts";
import type { CardFacts } from "../../../../actions/shared/domain/model-card.ts";
import { parseYaml } from "../../../../actions/shared/lib/yaml.ts";
import { formatFrontMatter } from "../../../../actions/shared/render/front-matter.ts";
import { renderModelCard } from "../../../../actions/shared/render/model-card.ts";
import { gfmToHtml, tagsOf } from "../../../support/gfm.ts";
import { versionRecord } from "../../../support/version-record.ts";

const dataset = { role: "test", digest: `sha256:${"2".repeat(64)}` } as const;

const facts: CardFacts = versionRecord({
  version: "1.1.0",
  licence: "Apache-2.0",
  format: { name: "onnx", version: "ir 10" },
  framework: { name: "scikit-learn", version: "1.9.0" },
  signature: {
    inputs: [{ name: "pixels", type: "FP32", shape: [-1, 64] }],
    outputs: [{ name: "label", type: "INT64" }],
  },
  data: [{ role: "train", uri: "s3://data/train", digest: `sha256:${"1".repeat(64)}`, rows: 1464 }],
  metrics: [
    { name: "accuracy", value: 0.961, n: 333, task: "evaluate", dataset },
    { name: "recall", slice: { class: "3" }, value: 0.94, task: "evaluate", dataset },
    { name: "loss", value: 1e-7, task: "train" },
    { name: "drift", value: "NaN" },
  ],
  code: { repository: "acme/digits", commit: "a".repeat(40), ref: "refs/tags/v1.1.0", tag: "v1.1.0" },
  gate: { verdict: "pass", subject: {}, rules: [] },
});

/** As the reader of a hub does. */
const headOf = (card: string) => parseCard(card, "MODEL_CARD.md").head;

describe("a card without one of the user's", () => {
  test("tells everything that is known", () => {
    expect(renderModelCard(facts, undefined)).toMatchInlineSnapshot(`
      "---
      license: "apache-2.0"
      library_name: "sklearn"
      metrics:
        - "accuracy"
        - "recall"
        - "loss"
        - "drift"
      model_name: "digits"
      model-index:
        - name: "digits"
          results:
            - task:
                type: "other"
              dataset:
                name: "test"
                type: "test"
                revision: "sha256:2222222222222222222222222222222222222222222222222222222222222222"
              metrics:
                - type: "accuracy"
                  name: "evaluate.accuracy"
                  value: 0.961
                  args:
                    "n": 333
                - type: "recall"
                  name: "evaluate.recall[class=3]"
                  value: 0.94
            - task:
                type: "other"
              dataset:
                name: "unknown"
                type: "unknown"
              metrics:
                - type: "loss"
                  name: "train.loss"
                  value: 1.0e-7
      ---

      # digits 1.1.0

      onnx ir 10, 1 file, 1000 B, \`sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\`

      ## Evaluation

      | metric                     | value |   n | data                       |
      | -------------------------- | ----: | --: | -------------------------- |
      | \`evaluate.accuracy\`        | 0.961 | 333 | test \`sha256:222222222222\` |
      | \`evaluate.recall[class=3]\` |  0.94 |     | test \`sha256:222222222222\` |
      | \`train.loss\`               |  1e-7 |     |                            |
      | \`drift\`                    |   NaN |     |                            |

      ## Data

      | data  | rows | digest or version                                            |
      | ----- | ---: | ------------------------------------------------------------ |
      | train | 1464 | \`sha256:1111111111111111111111111111111111111111111111111111111111111111\` |

      ## Inputs and outputs

      |     | name     | type  | shape      |
      | --- | -------- | ----- | ---------- |
      | in  | \`pixels\` | FP32  | \`[-1, 64]\` |
      | out | \`label\`  | INT64 |            |

      ## Origin

      - code: acme/digits \`aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\` v1.1.0
      - framework: scikit-learn 1.9.0
      - gate: \`pass\`
      - licence: Apache-2.0
      "
    `);
  });

  test("has each metric that is a number in its model-index, with the digest of the data", () => {
    expect(headOf(renderModelCard(facts, undefined))["model-index"]).toEqual([
      {
        name: "digits",
        results: [
          {
            task: { type: "other" },
            dataset: { name: "test", type: "test", revision: dataset.digest },
            metrics: [
              { type: "accuracy", name: "evaluate.accuracy", value: 0.961, args: { n: 333 } },
              { type: "recall", name: "evaluate.recall[class=3]", value: 0.94 },
            ],
          },
          {
            task: { type: "other" },
            dataset: { name: "unknown", type: "unknown" },
            metrics: [{ type: "loss", name: "train.loss", value: 1e-7 }],
          },
        ],
      },
    ]);
  });

  test("is the same, byte for byte, whenever it is written", () => {
    const later = { ...facts, createdAt: "2030-01-01T00:00:00Z", logAfter: 7, author: "somebody" } as CardFacts;
    expect(renderModelCard(later, undefined)).toBe(renderModelCard(facts, undefined));
  });

  test.each([
    ["MIT", { license: "mit" }],
    ["GPL-3.0-or-later", { license: "gpl-3.0" }],
    ["CC-BY-NC-SA-4.0", { license: "cc-by-nc-sa-4.0" }],
    ["LicenseRef-Acme", { license: "other", license_name: "LicenseRef-Acme" }],
    [undefined, {}],
  ])("names the licence %s as hubs do", (licence, keys) => {
    const { licence: _, ...unlicensed } = facts;
    const head = headOf(renderModelCard(licence === undefined ? unlicensed : { ...facts, licence }, undefined));
    const { license, license_name } = head;
    expect(JSON.parse(JSON.stringify({ license, license_name }))).toEqual(keys);
  });
});

describe("a card of the user's", () => {
  const own = parseCard(
    "---\nlicense: mit\npipeline_tag: image-classification\nlanguage: [en, no]\n---\n\n# Digits\n\nReads *digits*.\n\n<!-- kept -->\n",
    "CARD.md",
  );

  test("comes first, letter by letter", () => {
    const card = renderModelCard(facts, own);
    expect(card).toContain("\n---\n\n# Digits\n\nReads *digits*.\n\n<!-- kept -->\n\n## digits 1.1.0 as registered\n");
    expect(card).toContain("\n### Evaluation\n");
  });

  test("wins with what its front matter says, and gives the task", () => {
    const head = headOf(renderModelCard(facts, own));
    expect(head).toMatchObject({ license: "mit", language: ["en", "no"], library_name: "sklearn" });
    expect(Object.keys(head).slice(0, 3)).toEqual(["license", "pipeline_tag", "language"]);
    expect(JSON.stringify(head["model-index"])).toContain('"task":{"type":"image-classification"}');
  });

  test("keeps its own model-index", () => {
    const index = [{ name: "mine", results: [] }];
    expect(headOf(renderModelCard(facts, { head: { "model-index": index }, body: "" }))["model-index"]).toEqual(index);
  });

  test.each([
    ["# Only text\n", {}, "# Only text\n"],
    ["---\n---\ntext", {}, "text"],
    ["---\n# a comment\n---\ntext", {}, "text"],
    ["\ufeff---\r\nlicense: mit\r\n---\r\ntext\r\n", { license: "mit" }, "text\r\n"],
    ["--- \na: 1\n---  \n---\nb\n", { a: 1 }, "---\nb\n"],
    ["---\na rule that is never closed\n", {}, "---\na rule that is never closed\n"],
    ["a\n---\nb: 1\n---\n", {}, "a\n---\nb: 1\n---\n"],
    ["", {}, ""],
  ])("is parted into front matter and text: %j", (text, head, body) => {
    expect(parseCard(text, "CARD.md")).toEqual({ head, body });
  });

  test.each([
    ["---\n- a\n- b\n---\n", /CARD\.md:2: the front matter of a model card must be a map/],
    ["---\njust words\n---\n", /must be a map/],
    ["---\na: &a [*a]\n---\n", /a value that holds itself/],
    ["---\na: 1\nb: [\n---\n", /CARD\.md:\d+:\d+: is no valid YAML/],
    ["---\na: 1\na: 2\n---\n", /CARD\.md:3:\d+: is no valid YAML: Map keys must be unique/],
  ])("is refused where its front matter is none: %j", (text, message) => {
    expect(() => parseCard(text, "CARD.md")).toThrow(message);
  });
});

describe("hostile names", () => {
  const evil = '"><img src=x onerror=alert(1)>\n---\n# [x](javascript:alert(1)) | @octocat `${{ secrets }}`';

  test("stay text in the card", () => {
    const card = renderModelCard(
      {
        ...facts,
        licence: evil,
        format: { name: evil },
        framework: { name: evil },
        signature: { inputs: [{ name: evil, type: evil, shape: [evil] }], outputs: [] },
        data: [{ role: evil, uri: evil, version: evil }],
        metrics: [
          {
            name: evil,
            task: evil,
            slice: { [evil]: evil },
            value: 1,
            dataset: { role: evil, digest: dataset.digest },
          },
        ],
        code: { repository: evil, commit: evil, ref: evil, tag: evil },
      },
      undefined,
    );
    const { head, body } = parseCard(card, "MODEL_CARD.md");
    expect(head.library_name).toBe(evil);
    const html = gfmToHtml(body);
    expect(new Set(tagsOf(html))).toEqual(
      new Set(["h1", "h2", "p", "code", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"]),
    );
  });
});

describe("front matter", () => {
  const json = fc.jsonValue({ noUnicodeString: false, maxDepth: 4 } as never) as fc.Arbitrary<Json>;

  test("is read again as it was written", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "binary" }), json), (values) => {
        const plain = JSON.parse(JSON.stringify(values));
        expect(parseYaml(formatFrontMatter(plain).replace(/---\n$/, ""), { file: "f" }).value ?? {}).toEqual(plain);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    [{ a: 1e-7, b: 1.5e21, c: -2, d: 0.5 }, "a: 1.0e-7\nb: 1.5e+21\nc: -2\nd: 0.5\n"],
    [{ yes: "no", "a b": "x: y", n: null, t: true }, '"yes": "no"\n"a b": "x: y"\n"n": null\nt: true\n'],
    [{ a: "\u2028\u0085\u007f" }, 'a: "\\u2028\\u0085\\u007f"\n'],
    [{ a: [[1, { b: [] }], {}] }, "a:\n  - - 1\n    - b: []\n  - {}\n"],
  ])("is written for every reader of YAML: %j", (values, text) => {
    expect(formatFrontMatter(values as Record<string, Json>)).toBe(`---\n${text}---\n`);
  });
});
