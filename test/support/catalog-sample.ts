import type { StoreFacts } from "../../actions/shared/domain/catalog/store-facts.ts";
import type { AliasRecord, ModelEvent, VersionRecord } from "../../actions/shared/domain/model-version.ts";
import { modelFacts, storeFacts } from "./store-facts.ts";
import { versionRecord } from "./version-record.ts";

const digest = (digit: string) => `sha256:${digit.repeat(64).slice(0, 64)}` as const;
const day = (number: number, time = "09:00:00") => `2026-11-${String(number).padStart(2, "0")}T${time}Z`;
const act = (at: string, release: string) => ({
  by: "octocat",
  at,
  release,
  runId: "812",
  url: "https://github.com/acme/digits/actions/runs/812",
});

type Told = {
  readonly version: string;
  readonly on: number;
  readonly accuracy: number;
  readonly C: number;
  /** The digit of the test set's digest. */
  readonly testSet?: string;
};

const TOLD: readonly Told[] = [
  { version: "1.0.0", on: 1, accuracy: 0.941, C: 1 },
  { version: "1.1.0", on: 3, accuracy: 0.952, C: 3 },
  { version: "1.2.0", on: 6, accuracy: 0.9385, C: 10 },
  { version: "1.2.1", on: 7, accuracy: 0.9571, C: 10 },
  { version: "1.3.0", on: 11, accuracy: 0.9602, C: 8 },
  { version: "2.0.0-rc.1", on: 15, accuracy: 0.9554, C: 8, testSet: "9" },
  { version: "2.0.0", on: 18, accuracy: 0.9611, C: 6, testSet: "9" },
];

/** A model as a real release leaves it: trained, judged, scanned, signed. */
export function trainedVersion({ version, on, accuracy, C, testSet = "2" }: Told): VersionRecord {
  const dataset = { role: "test", digest: digest(testSet) };
  const isPassed = accuracy >= 0.94;
  const classes = Array.from({ length: 10 }, (_, i) => i);
  return versionRecord({
    version,
    digest: digest(`${on}a`),
    files: [
      { path: "labels.json", size: 64, digest: digest("6") },
      { path: "model.onnx", size: 300_000 + on * 1_024, digest: digest(`${on}b`) },
    ],
    format: { name: "onnx", version: "ir 10, opset 21, ai.onnx.ml 1" },
    framework: { name: "scikit-learn", version: on < 10 ? "1.6.1" : "1.9.0" },
    signature: {
      inputs: [{ name: "pixels", type: "FP32", shape: [-1, 64] }],
      outputs: [
        { name: "label", type: "INT64", shape: [-1] },
        { name: "scores", type: "FP32", shape: [-1, 10] },
      ],
    },
    scan: { verdict: "data-only", imports: [] },
    data: [
      { role: "all", uri: "data/digits.csv", digest: digest("1"), rows: 1797 },
      {
        role: "train",
        uri: "s3://data/digits/train.parquet?versionId=3sL4kqtJlcpXroDTDmJ",
        digest: digest(`${testSet}c`),
        rows: 1464,
      },
      {
        role: "test",
        uri: "s3://data/digits/test.parquet?versionId=8mGyDw5RsSFAsgU1SF8",
        digest: dataset.digest,
        rows: 333,
      },
    ],
    parameters: { C, kernel: "rbf", gamma: "scale", folds: 5 },
    metrics: [
      { name: "accuracy", value: accuracy, n: 333, dataset },
      { name: "log_loss", value: Number((0.9 - accuracy * 0.8).toFixed(4)), n: 333, dataset },
      { name: "latency_ms", value: 1.2 + (on % 4) * 0.15, n: 1_000 },
      ...classes.map((value) => ({
        name: "recall",
        slice: { class: String(value) },
        value: Number((accuracy - 0.03 + value * 0.005).toFixed(3)),
        n: 33,
        dataset,
      })),
    ],
    environment: {
      os: "Linux-6.1.0-x86_64-with-glibc2.36",
      python: "3.11.2",
      cpu: { name: "Intel Xeon", count: 2 },
      memoryBytes: 8_123_456_789,
      gpus: [{ name: "NVIDIA H200", count: 1 }],
      packages: { "scikit-learn": "1.9.0", onnx: "1.22.0" },
    },
    code: {
      repository: "acme/digits",
      commit: digest(`${on}d`).slice(7, 47),
      ref: `refs/tags/v${version}`,
      tag: `v${version}`,
    },
    ci: {
      event: "push",
      actor: "octocat",
      workflow: "release",
      runId: "812",
      attempt: "1",
      url: "https://github.com/acme/digits/actions/runs/812",
    },
    pipeline: { engine: "kubeflow", name: "digits", version: `v${version}`, packageDigest: digest(`${on}e`) },
    run: {
      id: "0a1b2c3d-0000-5000-8000-000000000001",
      attempt: 1,
      url: "https://kfp.example.com/#/runs/details/0a1b2c3d",
      task: "export",
      output: "model",
    },
    images: [
      {
        name: "trainer",
        ref: `ghcr.io/acme/digits/trainer@${digest(`${on}f`)}`,
        digest: digest(`${on}f`),
        executed: true,
      },
      { name: "serving", ref: `ghcr.io/acme/digits/serving@${digest("5")}`, digest: digest("5") },
    ],
    gate: {
      verdict: isPassed ? "pass" : "fail",
      subject: {},
      champion: { version: "1.1.0" },
      rules: [
        { rule: "accuracy >= 0.94", state: isPassed ? "pass" : "fail", value: accuracy, bound: 0.94 },
        { rule: "recall[class=*] >= 0.8 when n >= 20", state: "pass", value: 0.91, bound: 0.8 },
        { rule: "gap(recall[class=*]) <= 0.15 warn", state: "skipped", reason: "first release" },
      ],
    },
    licence: "Apache-2.0",
    card: { key: `digits/cards/${version}/MODEL_CARD.md`, digest: digest("7") },
    signatures: [{ key: `digits/signatures/${version}/model.sig`, digest: digest("8"), publicKey: digest("0") }],
    metadata: { task: "image classification", owners: ["vision"], ticket: "https://tracker.example.com/ML-12" },
    createdAt: day(on),
  });
}

/** A store with a model that has lived for a while, one that was just born, and one that is nothing but trouble. */
export function sampleStore(): StoreFacts {
  const records = TOLD.map(trainedVersion);
  const target = (version: string) => ({
    version,
    digest: records.find((record) => record.version === version)!.digest,
  });
  const champions = ["1.0.0", "1.1.0", "1.3.0", "2.0.0", "1.3.0"];
  const days = [1, 3, 11, 18, 19];
  const moves = champions.map(
    (version, i): ModelEvent => ({
      schema: 1,
      event: "alias-moved",
      alias: "champion",
      ...target(version),
      ...(i === 0 ? {} : { previous: target(champions[i - 1]!) }),
      move: i + 1,
      act: act(day(days[i]!, "11:30:00"), `v${version}`),
    }),
  );
  const registered = records.map(
    ({ version, digest: own, createdAt }): ModelEvent => ({
      schema: 1,
      event: "registered",
      version,
      digest: own,
      reason: "gate: pass",
      act: act(createdAt, `v${version}`),
    }),
  );
  const promoted = moves.map(
    (move): ModelEvent => ({
      schema: 1,
      event: "promoted",
      version: move.version,
      digest: move.digest,
      target: "kserve/digits",
      act: move.act,
    }),
  );
  const others: readonly ModelEvent[] = [
    {
      schema: 1,
      event: "approved",
      ...target("1.3.0"),
      environment: "production",
      reason: "reviewed in ML-12",
      act: act(day(11, "10:00:00"), "v1.3.0"),
    },
    {
      schema: 1,
      event: "retired",
      ...target("1.2.0"),
      reason: "its gate failed on class 8",
      act: act(day(8), "v1.2.0"),
    },
    {
      schema: 1,
      event: "rolled-back",
      ...target("2.0.0"),
      target: "kserve/digits",
      reason: "31 % of its answers were wrong",
      act: act(day(19, "11:00:00"), "v2.0.0"),
    },
    {
      schema: 1,
      event: "published",
      ...target("2.0.0"),
      catalog: { kind: "kubeflow", address: "https://hub.example.com", ids: { model: "1", version: "2" } },
      act: act(day(18, "09:01:00"), "v2.0.0"),
    },
  ];
  const aliases: readonly AliasRecord[] = [
    {
      schema: 1,
      alias: "champion",
      ...target("1.3.0"),
      previous: target("2.0.0"),
      move: 5,
      logAfter: 1,
      act: act(day(19, "11:30:00"), "v1.3.0"),
    },
    { schema: 1, alias: "candidate", ...target("2.0.0"), move: 7, logAfter: 1, act: act(day(18), "v2.0.0") },
  ];
  const digits = modelFacts({
    records,
    aliases,
    events: [...registered, ...moves, ...promoted, ...others].toSorted((a, b) => (a.act.at < b.act.at ? -1 : 1)),
    decisions: [
      {
        version: "1.3.0",
        state: "approved",
        environment: "production",
        reason: "reviewed in ML-12",
        act: act(day(11, "10:00:00"), "v1.3.0"),
      },
      { version: "1.2.0", state: "retired", reason: "its gate failed on class 8", act: act(day(8), "v1.2.0") },
    ],
    deployments: [
      {
        version: "1.3.0",
        release: "v1.3.0",
        deployment: {
          target: "kserve/digits",
          decision: "promoted",
          exposure: 1,
          rehearsal: false,
          url: "https://digits.example.com",
        },
      },
      {
        version: "2.0.0",
        release: "v2.0.0",
        deployment: { target: "kserve/digits", decision: "rolled-back", exposure: 0.25, rehearsal: false },
      },
    ],
  });
  return storeFacts(
    digits,
    modelFacts({ name: "iris", records: [versionRecord({ model: "iris", metrics: [{ name: "f1", value: 0.91 }] })] }),
    troubledModel(),
  );
}

export const HOSTILE = `<img src=x onerror="alert(1)"> </style><script>alert(2)</script> [x](javascript:alert(3)) "'&amp; \u202e`;

/** Everything that a stranger can write into a record says something hostile; one record cannot be read. */
export function troubledModel() {
  const record = versionRecord({
    model: "troubled",
    version: "0.1.0+cu124",
    files: [{ path: HOSTILE, size: 10, digest: digest("a") }],
    format: { name: HOSTILE },
    framework: { name: HOSTILE, version: HOSTILE },
    licence: HOSTILE,
    author: HOSTILE,
    release: HOSTILE,
    code: { repository: HOSTILE, commit: HOSTILE, ref: HOSTILE },
    ci: { event: HOSTILE, actor: HOSTILE, url: `javascript:alert("${HOSTILE}")` },
    data: [{ role: HOSTILE, uri: HOSTILE, version: HOSTILE }],
    parameters: { [HOSTILE]: HOSTILE, "very-long": "x".repeat(400), url: "https://example.com/?a=1&b=2" },
    metrics: [
      { name: HOSTILE, value: "NaN" },
      { name: "accuracy", slice: { [HOSTILE]: HOSTILE }, value: 0.5 },
      { name: "accuracy", value: 0.5 },
    ],
    images: [{ name: HOSTILE, ref: HOSTILE, digest: digest("a") }],
    scan: { verdict: "dangerous", imports: [HOSTILE] },
    signature: { inputs: [{ name: HOSTILE, type: HOSTILE, shape: [HOSTILE, 1] }], outputs: [] },
    run: { id: HOSTILE, attempt: 1, url: HOSTILE, task: HOSTILE, output: HOSTILE },
    gate: {
      verdict: "fail",
      subject: {},
      rules: [{ rule: HOSTILE, state: "fail", value: HOSTILE, bound: HOSTILE, reason: HOSTILE }],
      override: { by: HOSTILE, reason: HOSTILE, at: day(2) },
    },
    metadata: { [HOSTILE]: [HOSTILE] },
  });
  const acting = { by: HOSTILE, at: day(2), release: HOSTILE, runId: HOSTILE, url: HOSTILE };
  return modelFacts({
    name: "troubled",
    records: [record, { ...record, version: "0.2.0", createdAt: day(22), metrics: [{ name: "accuracy", value: 0.6 }] }],
    aliases: [
      { schema: 1, alias: "candidate", version: "0.2.0", digest: record.digest, move: 1, logAfter: 0, act: acting },
    ],
    events: [
      {
        schema: 1,
        event: "promoted",
        version: record.version,
        digest: record.digest,
        target: HOSTILE,
        reason: HOSTILE,
        act: acting,
      },
      {
        schema: 1,
        event: "published",
        version: record.version,
        digest: record.digest,
        catalog: { kind: HOSTILE, address: HOSTILE, ids: { [HOSTILE]: HOSTILE } },
        act: acting,
      },
    ],
    decisions: [{ version: record.version, state: "retired", reason: HOSTILE, environment: HOSTILE, act: acting }],
    deployments: [
      {
        version: record.version,
        release: HOSTILE,
        deployment: { target: HOSTILE, decision: "held", exposure: 0, rehearsal: true, url: HOSTILE },
      },
    ],
    problems: [
      { key: `troubled/versions/${HOSTILE}.json`, problem: HOSTILE },
      {
        key: "troubled/versions/0.2.0.json",
        problem: "its record was edited by hand: its digest is not the one in the log",
        version: "0.2.0",
      },
    ],
  });
}

export const SAMPLE_CARD = `---
license: apache-2.0
---

# Digits

Recognises **handwritten digits** of 8 x 8 pixels. See [the paper](https://example.com/paper), not [this](javascript:alert(1)).

![a picture](https://tracker.example.com/pixel.png)

<script>alert(1)</script> <b onclick="alert(1)">bold</b>

| use | allowed |
| --- | ------- |
| education | yes |
| cheques | ~~yes~~ no |

- [x] evaluated by class
- [ ] evaluated on photographs

\`\`\`python
model.run(None, {"pixels": x})
\`\`\`
`;
