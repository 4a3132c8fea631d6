import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { renderModelCard } from "../../actions/shared/render/model-card.ts";
import { pythonTools } from "../support/built-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { versionRecord } from "../support/version-record.ts";

/** The library that a hub reads cards with. */
const REQUIREMENTS = [
  "huggingface_hub==2.4.0",
  "anyio==4.16.0",
  "certifi==2026.10.18",
  "click==8.5.1",
  "filelock==4.2.11",
  "fsspec==2026.9.0",
  "h11==0.16.0",
  "hf-xet==1.8.0",
  "httpcore2==2.16.2",
  "httpx2==2.16.2",
  "idna==3.20",
  "packaging==26.3",
  "PyYAML==6.0.3",
  "tqdm==4.70.1",
  "typing_extensions==4.16.0",
];

const digest = `sha256:${"2".repeat(64)}` as const;
const hostile = '"no\u0085\u2028: {x} # y\u007f';

test("a hub's own library reads licence, library and every metric with its data set", {
  timeout: 240_000,
}, async () => {
  const facts = versionRecord({
    licence: "Apache-2.0",
    framework: { name: "scikit-learn" },
    metrics: [
      { name: "accuracy", value: 0.961, n: 333, task: "evaluate", dataset: { role: "test", digest } },
      { name: "loss", value: 1e-7, dataset: { role: hostile, digest } },
    ],
  });
  const file = join(await temporaryFolder(), "MODEL_CARD.md");
  const own = { head: { pipeline_tag: "image-classification", yes: "no", [hostile]: hostile }, body: "# Digits\n" };
  writeFileSync(file, renderModelCard(facts, own));
  const bin = await pythonTools(REQUIREMENTS);
  const script = join(import.meta.dirname, "../support/hub_card.py");
  const env = { PATH: process.env.PATH ?? "", HOME: "/nonexistent", HF_HUB_OFFLINE: "1" };
  const read = JSON.parse(execFileSync(join(bin, "python"), ["-B", script, file], { env, encoding: "utf8" }));
  expect(read).toMatchObject({
    license: "apache-2.0",
    library: "sklearn",
    results: [
      {
        task_type: "image-classification",
        dataset_name: "test",
        dataset_revision: digest,
        metric_type: "accuracy",
        metric_name: "evaluate.accuracy",
        metric_value: 0.961,
        metric_args: { n: 333 },
      },
      { dataset_name: hostile, metric_type: "loss", metric_value: 1e-7 },
    ],
    text: expect.stringMatching(/^\s*# Digits\n\n## digits 1\.0\.0 as registered\n/),
  });
});
