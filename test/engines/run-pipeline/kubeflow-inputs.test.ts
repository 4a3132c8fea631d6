import { expect, test } from "vitest";
import { bearerDoor } from "../../fakes/kfp/door.ts";
import { GPU_PACKAGE, gpuJob, gpuTasks, kubeflowServer, runOn } from "../../support/kubeflow-action.ts";
import { runAction } from "../../support/run-action.ts";

// What is wrong with a step for Kubeflow is told before anything is uploaded, with what to do.

const errorsOf = (commands: readonly { readonly name: string; readonly message: string }[]) =>
  commands.filter(({ name }) => name === "error").map(({ message }) => message);

test("inputs that contradict each other are told at once, with those that are wrong by themselves", async () => {
  const { main } = await runAction("run-pipeline", {
    job: gpuJob(),
    with: {
      pipeline: "pipeline.yaml",
      engine: "local",
      endpoint: "kubeflow",
      token: "t0k3n-0ne",
      "token-file": "t",
      retries: "many",
    },
  });
  expect(main.code).toBe(1);
  expect(errorsOf(main.commands)).toEqual([
    expect.stringMatching(/^input endpoint: is malformed/),
    expect.stringMatching(/^input retries: must be a whole number/),
    expect.stringMatching(/^input token: means nothing to the engine `local`/),
    expect.stringMatching(/^input token-file: means nothing to the engine `local`/),
    expect.stringMatching(/^input token: `token` and `token-file` contradict each other/),
  ]);
});

test("an address where nobody answers is told as such, soon", async () => {
  const { main } = await runAction("run-pipeline", {
    job: gpuJob(),
    with: { pipeline: "pipeline.yaml", endpoint: "http://127.0.0.1:9" },
  });
  expect(main.code).toBe(1);
  expect(errorsOf(main.commands)[0]).toMatch(/Kubeflow Pipelines.*endpoint/s);
});

test("a token that is not taken is told, and is in no output", async () => {
  const server = await kubeflowServer(gpuTasks(), { door: bearerDoor(new Map([["right", Number.POSITIVE_INFINITY]])) });
  const { main } = await runOn(server, { job: gpuJob(), with: { token: "wr0ng-t0ken" } });
  expect(main.code).toBe(1);
  expect(errorsOf(main.commands)[0]).toMatch(/the token of the input token.*401/s);
  expect(server.state.pipelines.size).toBe(0);
});

test("a login page is named as such", async () => {
  const tokens = new Map([["right", Number.POSITIVE_INFINITY]]);
  const server = await kubeflowServer(gpuTasks(), { door: bearerDoor(tokens, "login-page") });
  const { main } = await runOn(server, { job: gpuJob() });
  expect(main.code).toBe(1);
  expect(errorsOf(main.commands)[0]).toMatch(/login page/);
});

test("a namespace is asked for where the server has several users", async () => {
  const server = await kubeflowServer(gpuTasks(), { multiUser: true });
  const { main } = await runOn(server, { job: gpuJob() });
  expect(main.code).toBe(1);
  expect(errorsOf(main.commands)[0]).toMatch(/namespace/);
  expect(server.workflows).toHaveLength(0);
});

test("a parameter of the wrong type is refused before the upload", async () => {
  const server = await kubeflowServer();
  const parameters = { epochs: { parameterType: "NUMBER_INTEGER" } };
  const job = gpuJob({}, { ...GPU_PACKAGE, parameters });
  const { main } = await runOn(server, { job, with: { parameters: 'epochs: "3"' } });
  expect(errorsOf(main.commands)[0]).toMatch(/parameter epochs has another type \(saw "3"; allowed: a whole number\)/);
  expect(server.state.pipelines.size).toBe(0);
});

test("a package over 32 MiB is refused", async () => {
  const text = `pipelineInfo: { name: digits }\n#${"x".repeat(32 * 1024 * 1024)}\n`;
  const server = await kubeflowServer();
  const { main } = await runOn(server, { job: gpuJob({ files: { "pipeline.yaml": text } }) });
  expect(main.code).toBe(1);
  expect(errorsOf(main.commands)[0]).toMatch(/too large.*allowed: 33554432 bytes/);
});

test("a kubeconfig without a context is told with the contexts that it has", async () => {
  const kubeconfig =
    "apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts:\n- name: prod\n  context: { cluster: c, user: u }\n";
  const { main } = await runAction("run-pipeline", {
    job: gpuJob({ files: { "kube.yaml": kubeconfig } }),
    with: { pipeline: "pipeline.yaml", kubeconfig: "kube.yaml" },
  });
  expect(main.code).toBe(1);
  expect(errorsOf(main.commands)[0]).toMatch(/context.*prod/s);
});

test("data on this machine is an error where the pipeline would read it there; its digest alone is handed on", async () => {
  const server = await kubeflowServer();
  const parameter = { parameterType: "STRING" };
  const files = { "train.csv": "a,b\n1,2\n" };
  const both = gpuJob({ files }, { ...GPU_PACKAGE, parameters: { train_uri: parameter, train_digest: parameter } });
  const refused = (await runOn(server, { job: both, with: { data: "train: train.csv" } })).main;
  expect(errorsOf(refused.commands)[0]).toMatch(/the data set train lies on this machine.*upload it first/s);
  const digest = gpuJob({ files }, { ...GPU_PACKAGE, parameters: { train_digest: parameter } });
  const plan = (await runOn(server, { job: digest, with: { data: "train: train.csv", mode: "plan" } })).main;
  expect(plan.code).toBe(0);
});

test("detaching into a store that goes with the job is refused before anything is uploaded", async () => {
  const server = await kubeflowServer();
  const { main } = await runOn(server, { job: gpuJob({ hosted: true }), with: { mode: "detach" } });
  expect(main.code).toBe(1);
  expect(errorsOf(main.commands)[0]).toMatch(/only where the store outlives the job/);
  expect(server.state.pipelines.size).toBe(0);
});
