import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Release } from "../../actions/shared/domain/release.ts";
import { hashModel } from "../../actions/shared/lib/hash-model.ts";
import type { JobContext } from "./job-context.ts";
import { onnxModel } from "./onnx.ts";

export const RUN_ID = "0a1b2c3d-0000-5000-8000-000000000001";
export const TRAIN_DIGEST = `sha256:${"1".repeat(64)}` as const;
export const TEST_DIGEST = `sha256:${"2".repeat(64)}` as const;

export type ModelRelease = {
  readonly tag?: string;
  readonly runId?: string;
  readonly files?: Readonly<Record<string, Uint8Array | string>>;
  readonly verdict?: "pass" | "warn" | "fail" | "no-data";
  readonly accuracy?: number;
  /** Changes the finished record. */
  readonly alter?: (release: Release) => Release;
};

/** A run that succeeded and was judged, with its folder on the machine of the job; the record as an input's text. */
export async function modelRelease(job: JobContext, options: ModelRelease = {}): Promise<string> {
  const { tag = "v1.0.0", runId = RUN_ID, files = { "model.onnx": onnxModel() }, verdict = "pass" } = options;
  const { accuracy = 0.961 } = options;
  const folder = join(job.home, "runs", runId, "model");
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  const { digest } = await hashModel(folder);
  const uri = pathToFileURL(folder).href;
  const details = JSON.stringify(runDetails({ runId, tag, uri, accuracy }));
  writeFileSync(join(job.home, "runs", runId, "run.json"), details);
  const release: Release = {
    schema: 1,
    id: tag,
    source: {
      repository: "acme/digits",
      commit: "a".repeat(40),
      ref: `refs/tags/${tag}`,
      tag,
      event: "push",
      actor: "octocat",
      workflowRun: { id: "812", attempt: "1", url: "https://github.com/acme/digits/actions/runs/812" },
    },
    data: [{ role: "all", uri: "data/digits.csv", digest: `sha256:${"0".repeat(64)}`, rows: 1797 }],
    images: {
      trainer: {
        ref: `localhost/acme/digits/trainer@sha256:${"3".repeat(64)}`,
        digest: `sha256:${"3".repeat(64)}`,
        key: `k1-${"4".repeat(64)}`,
        how: "built",
        executed: true,
      },
    },
    pipeline: { engine: "local", name: "digits", version: tag, packageDigest: `sha256:${"5".repeat(64)}` },
    run: {
      id: runId,
      attempt: 1,
      state: "succeeded",
      startedAt: "2026-11-21T09:00:00Z",
      finishedAt: "2026-11-21T09:01:00Z",
      parameters: { folds: 3 },
      gpus: [],
      model: { task: "export", output: "model", uri, digest },
      details: { path: "run.json", digest: `sha256:${createHash("sha256").update(details).digest("hex")}` },
    },
    metrics: metricsOf(accuracy),
    gate: {
      verdict,
      subject: { runId, artifact: "export.model", digest },
      rules: [
        {
          rule: "accuracy >= 0.95",
          state: verdict === "pass" || verdict === "warn" ? "pass" : verdict,
          value: accuracy,
          bound: 0.95,
        },
      ],
    },
  };
  return JSON.stringify((options.alter ?? ((same) => same))(release));
}

function metricsOf(accuracy: number): NonNullable<Release["metrics"]> {
  const dataset = { role: "test", digest: TEST_DIGEST };
  return [
    { name: "accuracy", value: accuracy, n: 333, task: "evaluate", dataset },
    { name: "recall", slice: { class: "3" }, value: 0.94, n: 33, task: "evaluate", dataset },
  ];
}

type Run = { readonly runId: string; readonly tag: string; readonly uri: string; readonly accuracy: number };

function runDetails({ runId, tag, uri, accuracy }: Run) {
  const dataset = (path: string, rows: number, digest: string) => [
    { type: "system.Dataset", uri: `file:///runs/${path}`, metadata: { rows, digest }, digest },
  ];
  const task = (name: string, artifacts: object) => ({
    task: name,
    path: name,
    state: "succeeded",
    cached: false,
    inputs: { parameters: {}, artifacts: {} },
    outputs: { parameters: {}, artifacts },
  });
  return {
    schema: 1,
    releaseId: tag,
    runId,
    attempt: 1,
    state: "succeeded",
    pipeline: { name: "digits", version: tag, packageDigest: `sha256:${"5".repeat(64)}` },
    parameters: { folds: 3 },
    data: [],
    images: {},
    environment: {
      os: "Debian GNU/Linux 12",
      architecture: "x64",
      python: "3.11.2",
      cpu: { name: "Intel Xeon", count: 2 },
      memoryBytes: 8_000_000_000,
      gpus: [],
      packages: { "scikit-learn": "1.9.0", onnx: "1.22.0" },
    },
    tasks: [
      task("split", { train: dataset("train", 1464, TRAIN_DIGEST), test: dataset("test", 333, TEST_DIGEST) }),
      task("export", { model: [{ type: "system.Model", uri, metadata: MODEL_METADATA }] }),
    ],
    metrics: metricsOf(accuracy),
    curves: [],
  };
}

/** What the trainer of the digits example writes beside its model. */
const MODEL_METADATA = {
  framework: { name: "scikit-learn", version: "1.9.0" },
  parameters: { C: 3, kernel: "rbf", gamma: "scale" },
  data: { rows: 1464, digest: TRAIN_DIGEST },
  environment: {
    cpu: { type: "x86_64", count: 2 },
    memoryBytes: 8_123_456_789,
    gpu: { count: 1, type: "NVIDIA H200", memory: "143771 MiB", driver: "580.1" },
    os: "Linux-6.1.0-x86_64-with-glibc2.36",
    python: "3.11.2",
  },
};
