import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { beforeAll, expect, test } from "vitest";
import { RunDetailsSchema } from "../../../actions/shared/domain/run/details.ts";
import { sha256 } from "../../../actions/shared/lib/hash.ts";
import { calm, pipelineJob, runPipeline, TRAINER } from "../../support/pipeline-job.ts";
import { kfpPython } from "../../support/python-environment.ts";

beforeAll(() => kfpPython(), 300_000);

const training = { function: "training", parameters: "rows: 5" };

test("a plan says what would run and changes nothing; the run does it; once more, it is adopted", async () => {
  const job = pipelineJob();
  const plan = (await runPipeline({ job, with: { ...training, mode: "plan" } })).main;
  expect(plan.code).toBe(0);
  expect(calm(plan.stdout, job)).toMatchSnapshot("log of the plan");
  expect(plan.outputs).toMatchObject({ state: "", adopted: "false" });

  const run = (await runPipeline({ job, with: training })).main;
  expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: "" });
  expect(calm(run.stdout, job)).toMatchSnapshot("log of the run");
  expect(calm(run.summary, job)).toMatchSnapshot("summary of the run");
  expect(run.outputs["run-id"]).toBe(plan.outputs["run-id"]);
  expect(run.outputs).toMatchObject({ state: "succeeded", adopted: "false", "failed-task": "", reason: "" });
  const record = JSON.parse(run.outputs.release ?? "");
  expect(record.pipeline).toMatchObject({ engine: "local", name: "training", version: "v1.0.0" });
  expect(record.run).toMatchObject({ attempt: 1, state: "succeeded", parameters: { rows: 5 } });
  expect(record.run.model).toMatchObject({ task: "fit", output: "model", uri: expect.stringMatching(/^file:\/\/\//) });
  expect(record.metrics[0]).toMatchObject({ name: "accuracy", value: 0.75, n: 40, task: "judge" });
  expect(JSON.parse(run.outputs.metrics ?? "")).toEqual(record.metrics);
  expect(readFileSync(run.outputs.package ?? "", "utf8")).toContain(`image: "${TRAINER}"`);
  const details = readFileSync(join(fileURLToPath(run.outputs["run-url"] ?? ""), "run.json"), "utf8");
  expect(sha256(details)).toBe(record.run.details.digest);
  const { tasks, curves, environment, images } = v.parse(RunDetailsSchema, JSON.parse(details));
  expect([tasks.length, curves.length, environment?.kfp]).toEqual([3, 2, "2.17.0"]);
  expect(images["exec-fit"]).toBe(TRAINER);

  const again = (await runPipeline({ job: pipelineJob({ machine: job }), with: training })).main;
  expect(again.code).toBe(0);
  expect(calm(again.stdout, job)).toContain("is adopted: it has succeeded before\n");
  expect(again.stdout).toContain("✅ training v1.0.0 was run before, its run is adopted: accuracy 0.75\n");
  expect(again.outputs).toMatchObject({ adopted: "true", "run-id": run.outputs["run-id"] ?? "" });
  expect(JSON.parse(again.outputs.release ?? "").run).toEqual(record.run);
});

test("data arrives by its place and digest, is recorded, and makes another run where it changes", async () => {
  const job = pipelineJob({
    files: {
      "pipeline.py": `from kfp import dsl

@dsl.component(base_image="image://trainer", install_kfp_package=False)
def read(uri: str, digest: str) -> str:
    import hashlib
    content = open(uri, "rb").read()
    assert digest == "sha256:" + hashlib.sha256(content).hexdigest()
    return content.decode()

@dsl.pipeline(name="reading")
def reading(train_uri: str, train_digest: str):
    read(uri=train_uri, digest=train_digest)
`,
      "data/train.csv": "a,b\n1,2\n3,4\n",
    },
  });
  const first = (await runPipeline({ job, with: { data: "train: data/train.csv" } })).main;
  expect(first.outputs).toMatchObject({ state: "succeeded" });
  const record = JSON.parse(first.outputs.release ?? "");
  expect(record.data).toMatchObject([
    { role: "train", uri: "data/train.csv", digest: sha256("a,b\n1,2\n3,4\n"), rows: 2 },
  ]);
  // another checkout of the same machine: the same run, although the data lies elsewhere
  const files = { "pipeline.py": readFileSync(join(job.workspace, "pipeline.py")) };
  const same = pipelineJob({ machine: job, files: { ...files, "data/train.csv": "a,b\n1,2\n3,4\n" } });
  const adopted = (await runPipeline({ job: same, with: { data: "train: data/train.csv", mode: "plan" } })).main;
  expect(adopted.outputs).toMatchObject({ adopted: "true", "run-id": first.outputs["run-id"] ?? "" });
  const other = pipelineJob({ machine: job, files: { ...files, "data/train.csv": "a,b\n1,2\n3,5\n" } });
  const fresh = (await runPipeline({ job: other, with: { data: "train: data/train.csv", mode: "plan" } })).main;
  expect(fresh.outputs).toMatchObject({ adopted: "false" });
  expect(fresh.outputs["run-id"]).not.toBe(first.outputs["run-id"]);
});

test("tasks get the variables that are named, and no other; secrets are nowhere in what is kept", async () => {
  const job = pipelineJob();
  const { main } = await runPipeline({
    job,
    env: { NAMED: "for the task", HIDDEN: "not for it", MY_TOKEN: "t0k3n-of-the-job" },
    with: {
      function: "environment",
      parameters: "names: [NAMED, HIDDEN, MY_TOKEN, GITHUB_ACTIONS, INPUT_PIPELINE]",
      "pass-env": "NAMED, UNSET",
    },
  });
  expect(main.code).toBe(0);
  const details = JSON.parse(readFileSync(join(fileURLToPath(main.outputs["run-url"] ?? ""), "run.json"), "utf8"));
  expect(details.tasks[0].outputs.parameters.Output).toEqual(["for the task", "-", "-", "-", "-"]);
});

test("a pipeline is compiled with its images, and without the job's secrets", async () => {
  const source = `import os
from kfp import dsl

seen = sorted(name for name in os.environ if "TOKEN" in name or name.startswith(("INPUT_", "ACTIONS_", "STATE_")))

@dsl.component(base_image=os.environ["TRAINER_IMAGE"], install_kfp_package=False)
def use(): pass

@dsl.pipeline(name="seen-" + "-".join(seen).lower(), description=os.environ["EPOCHS"])
def compiled():
    use()
`;
  const job = pipelineJob({ files: { "pipeline.py": source } });
  const env = { EPOCHS: "3", MY_TOKEN: "t0k3n-of-the-job", ACTIONS_RUNTIME_URL: "https://example.org" };
  const { main } = await runPipeline({ job, env, with: { mode: "plan" } });
  expect({ code: main.code, stderr: main.stderr }).toEqual({ code: 0, stderr: "" });
  const text = readFileSync(main.outputs.package ?? "", "utf8");
  expect(text).toContain(`image: ${TRAINER}`);
  expect(text).toMatch(/name: seen\n/);
});

test("packages that components install are in the environment beforehand", async () => {
  const source = `from kfp import dsl

@dsl.component(base_image="image://trainer", packages_to_install=["iniconfig==2.3.0"])
def use() -> str:
    import importlib.metadata
    return importlib.metadata.version("iniconfig")

@dsl.pipeline(name="installing")
def installing():
    use()
`;
  const job = pipelineJob({ files: { "pipeline.py": source } });
  const { main } = await runPipeline({ job });
  expect(main.outputs).toMatchObject({ state: "succeeded" });
  const details = JSON.parse(readFileSync(join(fileURLToPath(main.outputs["run-url"] ?? ""), "run.json"), "utf8"));
  expect(details.tasks[0].outputs.parameters.Output).toBe("2.3.0");
});
