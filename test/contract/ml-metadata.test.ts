import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { kfpEngine as kubeflowEngine } from "../../actions/shared/clients/kfp/engine.ts";
import { markedReader } from "../../actions/shared/clients/kfp/marker.ts";
import { nativeReader } from "../../actions/shared/clients/kfp/native-results.ts";
import { kfpPodLog } from "../../actions/shared/clients/kfp/pod-log.ts";
import { resultsReader } from "../../actions/shared/clients/kfp/read-results.ts";
import { metadataReader } from "../../actions/shared/clients/mlmd/metadata-reader.ts";
import { canonicalJson, type Json } from "../../actions/shared/domain/canonical.ts";
import type { Parameters } from "../../actions/shared/domain/pipeline/parameters.ts";
import { readPackage } from "../../actions/shared/domain/pipeline/read-package.ts";
import { metricsOf } from "../../actions/shared/domain/run/metrics.ts";
import { isOver, type RunArtifact, type RunTask, type TaskValues } from "../../actions/shared/domain/run/task.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { sha256 } from "../../actions/shared/lib/hash.ts";
import { request } from "../../actions/shared/lib/http.ts";
import { parseYamlDocuments } from "../../actions/shared/lib/yaml.ts";
import { kfpEngine } from "../../actions/shared/local/kfp-engine/engine.ts";
import type { PipelineEngine, RunRequest, RunResults } from "../../actions/shared/ports/pipeline-engine.ts";
import { type FakeKfp, fakeKfp } from "../fakes/kfp/kfp.ts";
import { localCluster } from "../fakes/kfp/local-cluster.ts";
import { FAKE_ENDPOINT, sendOf } from "../fakes/kfp/send.ts";
import { compiledPipeline } from "../support/compiled-pipeline.ts";
import {
  lacksMetadataStore,
  type MetadataStore,
  type RecordedRun,
  type RecordedTask,
  startMetadataStore,
  writeRun,
} from "../support/mlmd.ts";
import { kfpPython } from "../support/python-environment.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const values = (parameters: TaskValues["parameters"] = {}, artifacts: TaskValues["artifacts"] = {}): TaskValues => ({
  parameters,
  artifacts,
});

const task = (path: string, more: Partial<RecordedTask> = {}): RecordedTask => ({
  path,
  state: "succeeded",
  cached: false,
  inputs: values(),
  outputs: values(),
  ...more,
});

const artifact = (type: string, uri: string, metadata: RunArtifact["metadata"] = {}): RunArtifact => ({
  type: `system.${type}`,
  uri: `minio://mlpipeline/${uri}`,
  metadata,
});

const run = (tasks: readonly RecordedTask[], more: Partial<RecordedRun> = {}): RecordedRun => ({
  runId: randomUUID(),
  pipeline: `digits-${randomUUID().slice(0, 8)}`,
  namespace: "team-a",
  tasks,
  ...more,
});

describe.skipIf(lacksMetadataStore())("a run that was written into ML Metadata as KFP writes it", () => {
  let store: MetadataStore;

  // the first time on a machine, the wheel is installed
  beforeAll(async () => {
    store = await startMetadataStore();
  }, 180_000);
  afterAll(() => store.close());

  const read = ({ runId }: RecordedRun) =>
    metadataReader({ send: request, endpoint: store.endpoint })({ runId, namespace: "team-a" });

  const writeAndRead = async (of: RecordedRun) => {
    await writeRun(store, of);
    return read(of);
  };

  const behaving = async (behaviour: { readonly pageSize?: number; readonly typeNames?: boolean }) => {
    onTestFinished(() => store.behave({ pageSize: null, typeNames: true }));
    await store.behave(behaviour);
  };

  test("comes back with metrics, curves, parameters, pods and lineage", async () => {
    const [train, test] = [artifact("Dataset", "train", { rows: 1464 }), artifact("Dataset", "test")];
    const model = artifact("Model", "model", { framework: { name: "sklearn", version: "1.9" }, classes: ["a", "b"] });
    const metrics = artifact("Metrics", "metrics", {
      accuracy: 0.961,
      "recall[class=a]": 0.5,
      "n[class=a]": 10,
      n: 40,
      ok: true,
      loss: "NaN",
      epochs: 3,
      note: "good",
    });
    const confusion = artifact("ClassificationMetrics", "confusion", {
      confusionMatrix: {
        annotationSpecs: [{ displayName: "a" }, { displayName: "b" }],
        rows: [{ row: [5, 5] }, { row: [2, 28] }],
      },
    });
    const roc = artifact("ClassificationMetrics", "roc", {
      confidenceMetrics: [
        { confidenceThreshold: 0.5, recall: 1, falsePositiveRate: 0.5 },
        { confidenceThreshold: 0, recall: 1, falsePositiveRate: 1 },
        { confidenceThreshold: 1, recall: 0, falsePositiveRate: 0 },
      ],
    });
    const parameters = {
      rows: 4,
      rate: 0.5,
      name: "it's",
      flag: false,
      none: null,
      list: [1, [2]],
      config: { a: { b: null } },
    };
    const found = await writeAndRead(
      run([
        task("prepare", { outputs: values({ Output: "s3://x" }, { train: [train], test: [test] }) }),
        task("fit", {
          inputs: values(parameters, { train: [train] }),
          outputs: values({}, { model: [model] }),
          pod: "digits-1",
        }),
        task("judge", {
          inputs: values({}, { model: [model], parts: [train, test] }),
          outputs: values(
            { list: [1, 2], struct: { a: 1 } },
            { metrics: [metrics], confusion: [confusion], roc: [roc] },
          ),
        }),
      ]),
    );
    expect(found?.notices).toEqual([]);
    expect(found?.tasks.map(({ path, state, cached }) => [path, state, cached])).toEqual([
      ["prepare", "succeeded", false],
      ["fit", "succeeded", false],
      ["judge", "succeeded", false],
    ]);
    const [, fit, judge] = found?.tasks ?? [];
    expect(fit).toMatchObject({ pod: "digits-1", inputs: { parameters } });
    expect(fit?.inputs.artifacts).toEqual({ train: [{ ...train, producer: "prepare" }] });
    expect(fit?.outputs.artifacts).toEqual({ model: [model] });
    expect(judge?.inputs.artifacts).toEqual({
      model: [{ ...model, producer: "fit" }],
      parts: [
        { ...train, producer: "prepare" },
        { ...test, producer: "prepare" },
      ],
    });
    expect(judge?.outputs.parameters).toEqual({ list: [1, 2], struct: { a: 1 } });
    const told = metricsOf(found?.tasks ?? [], []);
    expect(told.metrics).toEqual([
      { name: "accuracy", value: 0.961, n: 40, task: "judge" },
      { name: "auc", value: 0.75, task: "judge" },
      { name: "epochs", value: 3, n: 40, task: "judge" },
      { name: "loss", value: "NaN", n: 40, task: "judge" },
      { name: "ok", value: 1, n: 40, task: "judge" },
      { name: "recall", slice: { class: "a" }, value: 0.5, n: 10, task: "judge" },
    ]);
    expect(told.curves).toEqual([
      {
        kind: "confusion-matrix",
        task: "judge",
        output: "confusion",
        labels: ["a", "b"],
        rows: [
          [5, 5],
          [2, 28],
        ],
      },
      {
        kind: "roc",
        task: "judge",
        output: "roc",
        points: [
          { threshold: 0.5, recall: 1, falsePositiveRate: 0.5 },
          { threshold: 0, recall: 1, falsePositiveRate: 1 },
          { threshold: 1, recall: 0, falsePositiveRate: 0 },
        ],
      },
    ]);
  });

  test("comes back with its DAGs, loops in loops and importers; conditions that did not hold leave no task", async () => {
    const data = artifact("Dataset", "imported");
    const score = (value: number) => values({}, { metrics: [artifact("Metrics", randomUUID(), { score: value })] });
    const found = await writeAndRead(
      run(
        [
          task("import", { kind: "importer", outputs: values({}, { artifact: [data] }) }),
          task("inner/deeper/train", { inputs: values({}, { data: [data] }) }),
          task("for-loop-1-iteration-0/for-loop-2-iteration-1/score", { outputs: score(0.1) }),
          task("for-loop-1-iteration-1/for-loop-2-iteration-0/score", { outputs: score(0.2) }),
          task("for-loop-1-iteration-1/condition-3/train"),
          task("exit", { state: "skipped" }),
          task("not-yet", { state: "pending" }),
        ],
        { untriggered: ["condition-branches-1/condition-2"] },
      ),
    );
    expect(found?.tasks.map(({ path, task, iteration, state }) => [path, task, iteration, state])).toEqual([
      ["import", "import", undefined, "succeeded"],
      ["inner/deeper/train", "train", undefined, "succeeded"],
      ["for-loop-1-iteration-0/for-loop-2-iteration-1/score", "score", "0.1", "succeeded"],
      ["for-loop-1-iteration-1/for-loop-2-iteration-0/score", "score", "1.0", "succeeded"],
      ["for-loop-1-iteration-1/condition-3/train", "train", "1", "succeeded"],
      ["exit", "exit", undefined, "skipped"],
    ]);
    expect(found?.tasks[1]?.inputs.artifacts.data?.[0]?.producer).toBe("import");
    expect(metricsOf(found?.tasks ?? [], []).metrics).toEqual([
      { name: "score", value: 0.1, task: "score", slice: { iteration: "0.1" } },
      { name: "score", value: 0.2, task: "score", slice: { iteration: "1.0" } },
    ]);
  });

  test("comes back with what cached tasks took over, and the run that made it", async () => {
    const model = artifact("Model", "kept-model");
    const metrics = artifact("Metrics", "kept-metrics", { accuracy: 0.9 });
    const tasks = [
      task("fit", { outputs: values({ seconds: 7 }, { model: [model] }) }),
      task("judge", { inputs: values({}, { model: [model] }), outputs: values({}, { metrics: [metrics] }) }),
    ];
    const first = run(tasks);
    await writeRun(store, first);
    const again = { ...first, runId: randomUUID(), tasks: tasks.map((one) => ({ ...one, cached: true })) };
    const found = await writeAndRead(again);
    expect(found?.tasks.map(({ state, cached, pod }) => [state, cached, pod])).toEqual([
      ["succeeded", true, undefined],
      ["succeeded", true, undefined],
    ]);
    expect(found?.tasks[0]?.outputs).toEqual(values({ seconds: 7 }, { model: [{ ...model, producer: first.runId }] }));
    expect(found?.tasks[1]?.inputs.artifacts.model?.[0]?.producer).toBe("fit");
    expect(metricsOf(found?.tasks ?? [], []).metrics).toEqual([{ name: "accuracy", value: 0.9, task: "judge" }]);
  });

  test("has six decimals of a metric, as ML Metadata keeps it, and all of an output parameter", async () => {
    const third = artifact("Metrics", "third", { third: 1 / 3, small: 1e-9 });
    const found = await writeAndRead(run([task("judge", { outputs: values({ third: 1 / 3 }, { metrics: [third] }) })]));
    expect(found?.tasks[0]?.outputs.artifacts.metrics?.[0]?.metadata).toEqual({ third: 0.333333, small: 0 });
    expect(found?.tasks[0]?.outputs.parameters).toEqual({ third: 1 / 3 });
  });

  test("comes back while it runs and after it failed: what is not there yet is not invented", async () => {
    const found = await writeAndRead(
      run([task("prepare"), task("fit", { state: "failed" }), task("export", { state: "running", pod: "digits-9" })]),
    );
    expect(found?.tasks.map(({ path, state, pod }) => [path, state, pod?.startsWith("digits-")])).toEqual([
      ["prepare", "succeeded", true],
      ["fit", "failed", true],
      ["export", "running", true],
    ]);
    expect(metricsOf(found?.tasks ?? [], []).metrics).toEqual([]);
  });

  test("comes back as it is after a retry: what had succeeded stays, the rest is tried again", async () => {
    const first = run([task("prepare"), task("inner/fit", { state: "failed" })]);
    const before = await writeAndRead(first);
    const again = { ...first, tasks: [task("prepare"), task("inner/fit", { outputs: values({ Output: 1 }) })] };
    const after = await writeAndRead(again);
    expect(after?.tasks.map(({ path, state }) => [path, state])).toEqual([
      ["prepare", "succeeded"],
      ["inner/fit", "succeeded"],
    ]);
    expect(after?.tasks[0]).toEqual(before?.tasks[0]);
    expect(after?.tasks[1]?.pod).not.toBe(before?.tasks[1]?.pod);
  });

  test("is unknown before its driver ran, and is not read from another namespace", async () => {
    expect(await read(run([]))).toBeUndefined();
    const foreign = run([task("train")], { namespace: "team-b" });
    await writeRun(store, foreign);
    await expect(read(foreign)).rejects.toThrow(/^\[REFUSED\].*saw team-b; allowed: team-a/);
    const sources = { metricsFrom: "auto", native: async () => undefined, clock: systemClock } as const;
    const results = await resultsReader({
      ...sources,
      metadata: metadataReader({ send: request, endpoint: store.endpoint }),
      marked: async () => ({ tasks: [], notices: [] }),
    })({ runId: foreign.runId, namespace: "team-a" });
    expect(results.tasks).toEqual([]);
    expect(results.notices).toEqual([
      expect.stringContaining("belongs to another namespace: it is not read (saw team-b; allowed: team-a)"),
      expect.stringContaining("has no metrics and no artifacts"),
    ]);
  });

  test("comes back whole where the server gives pages, and types by number only", async () => {
    const tasks = Array.from({ length: 25 }, (_, i) =>
      task(`task-${i}`, { outputs: values({ i }, { metrics: [artifact("Metrics", `paged-${i}`, { value: i })] }) }),
    );
    const written = run(tasks);
    const whole = await writeAndRead(written);
    await behaving({ pageSize: 4, typeNames: false });
    expect(await read(written)).toEqual(whole);
    expect(metricsOf(whole?.tasks ?? [], []).metrics.map(({ value }) => value)).toEqual(tasks.map((_, i) => i));
  });

  test("comes back when it has 500 executions", async () => {
    const tasks = Array.from({ length: 500 }, (_, i) =>
      task(`for-loop-1-iteration-${Math.floor(i / 10)}/score-${i % 10}`, {
        inputs: values({ i }),
        outputs: values({ Output: i / 8 }, { metrics: [artifact("Metrics", `large-${i}`, { score: i / 8 })] }),
      }),
    );
    const found = await writeAndRead(run(tasks));
    expect(found?.tasks).toHaveLength(500);
    expect(new Set(found?.tasks.map(({ path }) => path)).size).toBe(500);
    expect(metricsOf(found?.tasks ?? [], []).metrics[499]).toEqual({
      name: "score",
      value: 499 / 8,
      task: "score-9",
      slice: { iteration: "49" },
    });
  });

  test("is not mixed up with others that are written and read at the same time", async () => {
    const runs = Array.from({ length: 12 }, (_, i) =>
      run([task("judge", { outputs: values({}, { metrics: [artifact("Metrics", `at-once-${i}`, { mine: i })] }) })]),
    );
    const found = await Promise.all(runs.map(writeAndRead));
    const told = found.map((one) => metricsOf(one?.tasks ?? [], []).metrics.map(({ value }) => value));
    expect(told).toEqual(runs.map((_, i) => [i]));
  });

  test("refuses what the store does not know, in the store's words", async () => {
    const answer = await request({
      service: "the store",
      method: "POST",
      url: `${store.endpoint}/ml_metadata.MetadataStoreService/PutContextType`,
      headers: { "content-type": "application/grpc-web+proto" },
      body: new Uint8Array(5),
    });
    // an error has no frames: the headers tell it, with status 200
    expect([answer.status, answer.headers.get("grpc-status"), answer.bytes.length]).toEqual([200, "3", 0]);
    const nowhere = metadataReader({ send: request, endpoint: `${store.endpoint}/pipeline` });
    await expect(nowhere({ runId: randomUUID() })).rejects.toThrow(/^\[NOT_FOUND\].*set metadata-endpoint/);
  });

  describe("a package that the local engine has run", () => {
    beforeAll(() => kfpPython(), 300_000);

    test.each([
      ["training", { rows: 4 }],
      ["constructs", {}],
    ] as const)("%s tells the same from Kubeflow 2 with ML Metadata and from Kubeflow 3", async (name, parameters) => {
      const asked = await requestOf(name, parameters);
      const local = await resultsOf(await localEngine(), asked);
      const data = [{ role: "test", uri: "test.csv", digest: sha256("test") }];
      const engine = replay(local);
      const two = fakeKfp({
        release: "2.17",
        metadata: store.endpoint,
        cluster: localCluster({ engine, metadata: store }),
      });
      const three = fakeKfp({ release: "3.0", cluster: localCluster({ engine }) });
      for (const [fake, expected] of [
        [two, local.tasks],
        [three, local.tasks.map(withNumbersOnly)],
      ] as const) {
        const found = await resultsOf(kubeflow(fake), asked);
        expect(fake.state.broken).toEqual([]);
        expect(found.notices).toEqual([]);
        expect(metricsOf(found.tasks, data)).toEqual(metricsOf(expected, data));
        expect(byPath(found.tasks)).toEqual(byPath(local.tasks.map((task) => withMakers(task, local.tasks))));
      }
    });
  });
});

/** The engine of run-pipeline, on the fake, with every place that results are read from. */
function kubeflow(fake: FakeKfp): PipelineEngine {
  const at = { send: sendOf(fake), endpoint: FAKE_ENDPOINT, clock: systemClock };
  const readResults = resultsReader({
    metricsFrom: "auto",
    native: nativeReader(at),
    metadata: metadataReader(at),
    marked: markedReader(kfpPodLog(at)),
    clock: systemClock,
  });
  const log = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    group: (_: string, act: () => never) => act(),
    fenced: () => {},
  };
  return kubeflowEngine({
    ...at,
    log,
    experiment: "digits",
    caching: "package",
    onChangedVersion: "error",
    readResults,
  });
}

/** An engine that has done already what it is asked for. */
function replay(results: RunResults): PipelineEngine {
  return {
    kind: "local",
    endpoint: "local",
    runsImages: false,
    lookMs: { min: 50, max: 50 },
    check: async () => [],
    submit: async () => {},
    state: async () => ({ state: "succeeded", canRetry: false, tasks: results.tasks }),
    results: async () => results,
    cancel: async () => [],
  };
}

/** What all engines must tell alike: neither a cluster's records nor its API have digests, and true is 1 in one of them. */
function byPath(tasks: readonly RunTask[]) {
  const artifacts = (of: TaskValues) =>
    Object.fromEntries(
      Object.entries(of.artifacts).map(([name, list]) => [
        name,
        // a metric of Kubeflow 3 is a number without an address
        list.map(({ type, uri, producer }) => ({ type, producer, uri: type === "system.Metrics" ? "" : uri })),
      ]),
    );
  return Object.fromEntries(
    tasks.map(({ path, task, iteration, state, inputs, outputs }) => [
      path,
      {
        task,
        iteration,
        state,
        inputs: { ...inputs.parameters, ...artifacts(inputs) },
        outputs: { ...outputs.parameters, ...artifacts(outputs) },
      },
    ]),
  );
}

/** Kubeflow 3 takes nothing but numbers as metrics. */
function withNumbersOnly(task: RunTask): RunTask {
  const outputs = Object.entries(task.outputs.artifacts).map(([name, list]) => [name, list.map(numbersOf)]);
  return { ...task, outputs: { ...task.outputs, artifacts: Object.fromEntries(outputs) } };
}

function numbersOf(artifact: RunArtifact): RunArtifact {
  if (artifact.type !== "system.Metrics") return artifact;
  const numbers = Object.entries(artifact.metadata).filter(([, value]) => typeof value === "number");
  return { ...artifact, metadata: Object.fromEntries(numbers) };
}

/** With the execution that made each input, found by the artifact's address. */
function withMakers(task: RunTask, all: readonly RunTask[]): RunTask {
  const makerOf = (uri: string) =>
    all.find(({ outputs }) =>
      Object.values(outputs.artifacts)
        .flat()
        .some((made) => made.uri === uri),
    )?.path;
  const inputs = Object.entries(task.inputs.artifacts).map(([name, list]) => [
    name,
    list.map((artifact) => ({ ...artifact, producer: makerOf(artifact.uri) })),
  ]);
  return { ...task, inputs: { ...task.inputs, artifacts: Object.fromEntries(inputs) } };
}

async function requestOf(name: string, parameters: Parameters): Promise<RunRequest> {
  const text = (await compiledPipeline(name)).replaceAll("image://trainer", "python:3.11");
  const compiled = readPackage(parseYamlDocuments(text, { file: "p.yaml" }).map(({ value }) => value as Json));
  if (compiled.state === "bad") throw new Error(JSON.stringify(compiled.faults));
  const digest = sha256(canonicalJson([...compiled.package.documents]));
  const source = {
    repository: "acme/digits",
    commit: "a".repeat(40),
    ref: "refs/tags/v1",
    event: "push",
    actor: "octocat",
  };
  const work = { kind: "pipeline", name, version: "v1", package: compiled.package, text, digest } as const;
  return { runId: randomUUID(), attempt: 1, work, parameters, origin: { releaseId: "v1", source } };
}

async function localEngine(): Promise<PipelineEngine> {
  return kfpEngine({
    runs: await temporaryFolder(),
    pythonWith: kfpPython,
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/" },
    taskEnv: {},
    allowCpu: true,
  });
}

async function resultsOf(engine: PipelineEngine, asked: RunRequest): Promise<RunResults> {
  onTestFinished(async () => void (await engine.cancel(asked.runId)));
  await engine.submit(asked);
  while (!isOver((await engine.state(asked.runId))?.state ?? "pending"))
    await new Promise((done) => setTimeout(done, 100));
  return engine.results(asked.runId);
}
