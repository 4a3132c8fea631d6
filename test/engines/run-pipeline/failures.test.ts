import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { calm, pipelineJob, RELEASE, runPipeline } from "../../support/pipeline-job.ts";
import { kfpPython } from "../../support/python-environment.ts";

beforeAll(() => kfpPython(), 300_000);

test("a failed task is told with exit code and the end of its log; mended, the run goes on where it failed", async () => {
  const job = pipelineJob();
  const inputs = { function: "failing", parameters: `folder: ${job.userHome}` };
  const failed = (await runPipeline({ job, with: inputs })).main;
  expect(failed.code).toBe(1);
  expect(calm(failed.stdout, job)).toMatchSnapshot("log");
  expect(failed.outputs).toMatchObject({
    state: "failed",
    "failed-task": "stumble",
    reason: "task stumble ended with exit code 3: ValueError: the data is broken",
  });
  // in the summary it is text, in the log it is fenced: no command of the user's program is carried out
  expect(failed.summary).toContain("::error::not a command\n");
  expect(failed.commands.filter(({ message }) => message === "not a command")).toEqual([]);
  expect(JSON.parse(failed.outputs.release ?? "").run.state).toBe("failed");

  const adopted = (await runPipeline({ job, with: { ...inputs, "on-failed": "adopt" } })).main;
  expect([adopted.code, adopted.outputs.state, adopted.outputs.adopted]).toEqual([1, "failed", "true"]);

  writeFileSync(join(job.userHome, "mended"), "");
  const mended = (await runPipeline({ job, with: inputs })).main;
  expect(mended.code).toBe(0);
  expect(mended.stdout).toContain("it has failed before; tasks that have finished are kept");
  expect(mended.stdout).toContain("  mark had finished before, its outputs are kept\n");
  expect(mended.outputs).toMatchObject({ state: "succeeded", "run-id": failed.outputs["run-id"] ?? "" });
  expect(readFileSync(join(job.userHome, "first"), "utf8")).toBe("ran\n");
});

test("retries try again within the step", async () => {
  const job = pipelineJob();
  const inputs = { function: "failing", parameters: `folder: ${job.userHome}`, retries: "2" };
  const { main } = await runPipeline({ job, with: inputs });
  expect(main.code).toBe(1);
  expect(main.stdout.match(/stumble failed after/g)).toHaveLength(3);
  expect(main.summary).toContain("It was tried again 2 times.");
  expect(readFileSync(join(job.userHome, "first"), "utf8")).toBe("ran\n");
});

test("a source of KFP 1 is named as such, each form with its place and what KFP 2 has instead", async () => {
  const { main } = await runPipeline({ job: pipelineJob(), with: { pipeline: "old.py" } });
  expect(main.code).toBe(1);
  const errors = main.commands.filter(({ name }) => name === "error");
  expect(errors.map(({ properties, message }) => `${properties.line}: ${message}`)).toMatchSnapshot();
});

test("an error of Python is the user's own: type, message, file and line", async () => {
  const source = 'from kfp import dsl\nimport helper\n\n@dsl.pipeline(name="x")\ndef x():\n    helper.make(3)\n';
  const files = { "broken.py": source, "helper.py": "def make(n):\n    return {}[n]\n" };
  const { main } = await runPipeline({ job: pipelineJob({ files }), with: { pipeline: "broken.py" } });
  expect(main.code).toBe(1);
  expect(main.commands.find(({ name }) => name === "error")).toMatchObject({
    properties: { file: "helper.py", line: "2" },
    message: expect.stringContaining("does not compile: KeyError: 3"),
  });
});

test.each([
  ["syntax", "def x(:\n", /does not compile: SyntaxError/],
  ["a missing module", "import nowhere\n", /ModuleNotFoundError: No module named 'nowhere'; .*requirements/],
  ["an early end", "raise SystemExit(0)\n", /does not compile: SystemExit/],
  ["no pipeline", "x = 1\n", /defines no pipeline/],
])("%s is told", async (_, source, message) => {
  const { main } = await runPipeline({
    job: pipelineJob({ files: { "broken.py": source } }),
    with: { pipeline: "broken.py" },
  });
  expect(main.code).toBe(1);
  expect(main.commands.find(({ name }) => name === "error")?.message).toMatch(message);
});

test("a fault in a pipeline below the working directory is marked in its file, as the repository names it", async () => {
  const source = "import kfp.dsl\nkfp.dsl.ContainerOp\n";
  const { main } = await runPipeline({
    job: pipelineJob({ files: { "training/old.py": source } }),
    with: { pipeline: "old.py", "working-directory": "training" },
  });
  expect(main.code).toBe(1);
  expect(main.commands.find(({ name }) => name === "error")).toMatchObject({
    properties: { file: "training/old.py", line: "2" },
    message: expect.stringContaining("is written for KFP 1"),
  });
});

test("several pipelines in a file are listed, with the nearest to the name that was given", async () => {
  const { main } = await runPipeline({ job: pipelineJob(), with: { function: "trainig" } });
  expect(main.commands.find(({ name }) => name === "error")?.message).toMatch(/did you mean training\?/);
});

test("everything that is wrong is told at once, before anything runs", async () => {
  const job = pipelineJob();
  const { main } = await runPipeline({
    job,
    with: {
      function: "training",
      release: JSON.stringify(withOtherImage),
      parameters: "row: 3\nrows: many",
      data: "test: missing.csv",
      "model-artifact": "fit.modell",
    },
  });
  expect(main.code).toBe(1);
  const errors = main.commands.filter(({ name }) => name === "error").map(({ message }) => calm(message, job));
  expect(errors).toMatchSnapshot();
});

const { images, ...rest } = JSON.parse(RELEASE);
const withOtherImage = { ...rest, images: { serving: images.trainer } };

test("a compiled package is checked with its own lines", async () => {
  const text = readFileSync(join(import.meta.dirname, "../../fixtures/pipelines/wrong.yaml"), "utf8");
  const job = pipelineJob({ files: { "p.yaml": text } });
  const { main } = await runPipeline({ job, with: { pipeline: "p.yaml" } });
  expect(main.code).toBe(1);
  const errors = main.commands.filter(({ name }) => name === "error");
  expect(errors.map(({ properties, message }) => `${properties.file}:${properties.line} ${message}`)).toMatchSnapshot();
});

test("a Python that is none, and requirements that do not fit together, are told with what to do", async () => {
  const job = pipelineJob({ files: { "requirements.txt": "six==1.16.0\nsix==1.17.0\n" } });
  const [none, clash] = await Promise.all([
    runPipeline({ job, with: { python: "python-of-nowhere" } }),
    runPipeline({
      job: pipelineJob({ files: { "requirements.txt": "six==1.16.0\nsix==1.17.0\n" } }),
      with: { requirements: "requirements.txt" },
    }),
  ]);
  expect(none.main.commands.find(({ name }) => name === "error")?.message).toMatch(
    /version 3\.9 or later.*actions\/setup-python/s,
  );
  expect(clash.main.commands.find(({ name }) => name === "error")?.message).toMatch(/cannot be installed/);
});
