import { expect, test } from "vitest";
import { differenceSections } from "../../../../actions/shared/domain/difference-sections.ts";
import type { VersionRecord } from "../../../../actions/shared/domain/model-version.ts";
import { markdownSection } from "../../../../actions/shared/render/markdown.ts";
import { versionRecord } from "../../../support/version-record.ts";

const digest = (digit: string) => `sha256:${digit.repeat(64)}` as const;
const testSet = { role: "test", digest: digest("1") };

function markdown(version: Partial<VersionRecord>, before: Partial<VersionRecord>): string {
  const pair = { version: versionRecord({ version: "1.1.0", ...version }), before: versionRecord(before) };
  return differenceSections({ ...pair, called: "champion 1.0.0" })
    .map(markdownSection)
    .join("\n\n");
}

test("everything that changed is told, metrics first", () => {
  const own: Partial<VersionRecord> = {
    metrics: [
      { name: "accuracy", value: 0.961, dataset: testSet },
      { name: "loss", value: 0.1234567, dataset: testSet },
      { name: "f1", value: 0.9 },
      { name: "auc", value: 0.99, dataset: { role: "test", digest: digest("2") } },
    ],
    data: [{ role: "train", uri: "a", digest: digest("3") }],
    parameters: { C: 3, layers: [64, 32], note: "x".repeat(80) },
    images: [{ name: "trainer", ref: "x", digest: digest("4") }],
    licence: "MIT",
    scan: { verdict: "code-bearing", imports: ["sklearn.svm._classes.SVC"] },
    signature: { inputs: [{ name: "pixels", type: "FP32", shape: [-1, 128] }], outputs: [] },
    code: { repository: "acme/digits", commit: "b".repeat(40), ref: "refs/tags/v1.1.0" },
    files: [
      { path: "model.onnx", size: 5_000, digest: digest("5") },
      { path: "labels.txt", size: 10, digest: digest("6") },
    ],
  };
  const before: Partial<VersionRecord> = {
    metrics: [
      { name: "accuracy", value: 0.958, dataset: testSet },
      { name: "loss", value: 0.2, dataset: testSet },
      { name: "auc", value: 0.98, dataset: testSet },
      { name: "brier", value: 0.02, dataset: testSet },
    ],
    data: [{ role: "train", uri: "a", digest: digest("7") }],
    parameters: { C: 1 },
    images: [{ name: "trainer", ref: "x", digest: digest("8") }],
    scan: { verdict: "data-only", imports: [] },
    signature: { inputs: [{ name: "pixels", type: "FP32", shape: [-1, 64] }], outputs: [] },
    code: { repository: "acme/digits", commit: "a".repeat(40), ref: "refs/tags/v1.0.0" },
    files: [{ path: "model.onnx", size: 1_000, digest: digest("9") }],
  };
  expect(markdown(own, before)).toMatchInlineSnapshot(`
    "#### Against champion 1.0.0

    | metric     |  1.1.0 | champion 1.0.0 |     change |
    | ---------- | -----: | -------------: | ---------: |
    | \`accuracy\` |  0.961 |          0.958 |     +0.003 |
    | \`loss\`     | 0.1235 |            0.2 |    −0.0765 |
    | \`f1\`       |    0.9 |                |        new |
    | \`auc\`      |   0.99 |           0.98 | other data |
    | \`brier\`    |        |           0.02 |       gone |

    #### What else changed

    - <strong>callers must change</strong>: its input pixels has the shape \\[-1, 128\\], and had \\[-1, 64\\]

    |                    | 1.1.0                                                        | champion 1.0.0        |
    | ------------------ | ------------------------------------------------------------ | --------------------- |
    | licence            | \`MIT\`                                                        | none                  |
    | scan               | \`code-bearing\`                                               | \`data-only\`           |
    | commit             | \`bbbbbbbbbbbb\`                                               | \`aaaaaaaaaaaa\`        |
    | data train         | \`sha256:333333333333\`                                        | \`sha256:777777777777\` |
    | parameter \`C\`      | \`3\`                                                          | \`1\`                   |
    | parameter \`layers\` | \`[64,32]\`                                                    | none                  |
    | parameter \`note\`   | \`"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\` | none                  |
    | image trainer      | \`sha256:444444444444\`                                        | \`sha256:888888888888\` |

    - it imports what was not imported before: \`sklearn.svm._classes.SVC\`
    - \`labels.txt\` is new, 10 B
    - \`model.onnx\` changed, 1000 B to 4.88 KiB"
  `);
});

test("of very many metrics the slices fold away", () => {
  const recall = (change: number) =>
    Array.from({ length: 20 }, (_, i) => ({ name: "recall", slice: { class: String(i) }, value: 0.9 + change }));
  const accuracy = { name: "accuracy", value: 0.9 };
  const pair = {
    version: versionRecord({ metrics: [accuracy, ...recall(0.01)] }),
    before: versionRecord({ metrics: [accuracy, ...recall(0)] }),
  };
  expect(
    differenceSections({ ...pair, called: "1.0.0" }).map(({ title, folded = false, blocks }) => ({
      title,
      folded,
      rows: blocks[0]?.kind === "table" ? blocks[0].rows.length : 0,
    })),
  ).toEqual([
    { title: "Against 1.0.0", folded: false, rows: 1 },
    { title: "20 slices against 1.0.0", folded: true, rows: 20 },
  ]);
});

test("of very many files and parameters the first are told, and how many more there are", () => {
  const files = Array.from({ length: 50 }, (_, i) => ({ path: `part-${i}`, size: 1, digest: digest("1") }));
  const parameters = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`p${i}`, i]));
  const told = markdown({ files, parameters }, {});
  expect(told).toContain("and 20 more changes");
  expect(told).toContain("- 31 more files changed");
});

test("nothing is told of two versions that are the same", () => {
  expect(markdown({}, {})).toBe("");
});
