import { createHash, randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { hashFiles } from "../../actions/shared/lib/hash-model.ts";
import { describeModel } from "../../actions/shared/model/describe-model.ts";
import type { SourceFile } from "../../actions/shared/ports/source-file.ts";
import { catalogVersion } from "../support/hub-catalog.ts";
import { askMlflow, catalogAt, type MlflowServer, modelAt, newMlflowRun, train } from "../support/mlflow.ts";

/** The files, where the server hands them on. */
async function filesOf(server: MlflowServer, address: string): Promise<readonly SourceFile[]> {
  const { files } = await modelAt(server, address);
  if (files.at === "bucket") throw new Error(`they lie in ${files.uri}`);
  return files.list;
}

/** What compresses badly, the same for the same seed. */
function bytesOf(seed: string, size: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, i) =>
    createHash("sha256").update(`${seed} ${i}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, size);
}

async function contents(files: readonly SourceFile[]): Promise<Readonly<Record<string, string>>> {
  const read = await Promise.all(
    files.map(async (file) => {
      const hash = createHash("sha256");
      for await (const piece of file.read()) hash.update(piece);
      return [file.path, hash.digest("hex")] as const;
    }),
  );
  return Object.fromEntries(read);
}

const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** What a model in any MLflow must be as a source. `server` is there when the tests run. */
export function mlflowSource(server: () => MlflowServer): void {
  describe("a model that MLflow's own client logged", () => {
    const name = `points-${randomUUID().slice(0, 8)}`;
    let trained: Awaited<ReturnType<typeof train>>;
    beforeAll(async () => {
      trained = await train(server(), { experiment: `e-${name}`, name });
    });

    test("is found by its run, by the name it was logged with, by its version and by an alias: the same bytes", async () => {
      const places = [
        `runs:/${trained.run}`,
        `runs:/${trained.run}/classifier`,
        `models:/${name}/1`,
        `models:/${name}@best`,
      ];
      const models = trained.model === null ? [] : [`models:/${trained.model}`];
      const digests = await Promise.all(
        [...places, ...models].map(async (place) => (await hashFiles(await filesOf(server(), place))).digest),
      );
      expect(new Set(digests).size).toBe(1);
    });

    test("is described as what it is: 2.x saves a pickle, 3.x a form that holds no code", async () => {
      const files = await filesOf(server(), `models:/${name}@best`);
      expect(files.map(({ path }) => path)).toContain("MLmodel");
      const described = await describeModel(files, { allowed: [], signal: new AbortController().signal });
      expect(described.format).toEqual({ name: "mlflow", version: server().version });
      const { verdict, findings } = described.scan;
      const imports = findings.flatMap((finding) => ("import" in finding ? [finding.import] : []));
      expect({ verdict, imports }).toEqual(
        server().version.startsWith("3")
          ? { verdict: "data-only", imports: [] }
          : { verdict: "code-bearing", imports: ["sklearn.linear_model._logistic.LogisticRegression"] },
      );
    });

    test("has the parameters, metrics and data of its run", async () => {
      const { facts } = await modelAt(server(), `models:/${name}@best`);
      expect(facts.parameters).toEqual({ C: "0.5", solver: "lbfgs" });
      const metrics = facts.metrics?.map(({ name: metric, value }) => [metric, value]).toSorted();
      const own = [["recall", 0.75]];
      expect(metrics).toEqual([["accuracy", 0.95], ["loss", "NaN"], ...(trained.model === null ? [] : own)]);
      expect(facts.data).toMatchObject([{ role: "test", version: expect.stringMatching(/^[0-9a-f]{8}$/) }]);
      expect(facts.mlflow).toEqual({
        server: server().base,
        address: `models:/${name}@best`,
        run: trained.run,
        version: `${name}/1`,
        ...(trained.model === null ? {} : { model: trained.model }),
      });
    });
  });

  describe("the artifacts of a run", () => {
    const files = {
      "model/weights.bin": bytesOf("weights", 3_000_000),
      "model/code/a file.py": Buffer.from("x = 1\n"),
      "model/empty": new Uint8Array(),
      "notes.txt": Buffer.from("not the model"),
    };
    let run: string;
    beforeAll(async () => {
      run = await newMlflowRun(server(), { files });
    });

    test("are the model below a folder, with its folders and its empty files", async () => {
      expect(await contents(await filesOf(server(), `runs:/${run}/model`))).toEqual({
        "weights.bin": hashOf(files["model/weights.bin"]),
        "code/a file.py": hashOf(files["model/code/a file.py"]),
        empty: hashOf(files["model/empty"]),
      });
    });

    test("may be one file", async () => {
      expect(await contents(await filesOf(server(), `runs:/${run}/model/weights.bin`))).toEqual({
        "weights.bin": hashOf(files["model/weights.bin"]),
      });
    });

    test("can be read at any place", async () => {
      const [weights] = await filesOf(server(), `runs:/${run}/model/weights.bin`);
      await weights?.open(async (bytes) => {
        for (const [at, length] of [
          [2_999_000, 1_000],
          [0, 100],
          [1_500_000, 200_000],
        ] as const)
          expect(hashOf(await bytes.read(at, length))).toBe(
            hashOf(files["model/weights.bin"].subarray(at, at + length)),
          );
      });
    });

    test("that became larger since they were found are refused", async () => {
      const other = await newMlflowRun(server(), { files: { "model/a.bin": bytesOf("a", 1_000) } });
      const found = await filesOf(server(), `runs:/${other}/model`);
      const { run: info } = (await askMlflow(server(), `/api/2.0/mlflow/runs/get?run_id=${other}`)) as {
        run: { info: { artifact_uri: string } };
      };
      const path = info.info.artifact_uri.replace("mlflow-artifacts:", "/api/2.0/mlflow-artifacts/artifacts");
      await askMlflow(server(), `${path}/model/a.bin`, { method: "PUT", bytes: bytesOf("b", 1_001) });
      await expect(contents(found)).rejects.toThrow(
        /^\[INTEGRITY\] mlflow-artifacts:\S+: a file of the model must not change/,
      );
    });

    test.each([
      ["that are not there", (id: string) => `runs:/${id}/other`, /^\[NOT_FOUND\] \S+: the model must exist/],
      [
        "of which no model was named, and none was logged",
        (id: string) => `runs:/${id}`,
        /^\[INPUT\] input model: .*a run that logged no model/,
      ],
      [
        "of a run that is not there",
        () => `runs:/${"f".repeat(32)}/model`,
        /^\[NOT_FOUND\] MLflow refused to find run f/,
      ],
    ])("%s are told as such", async (_, address, message) => {
      await expect(modelAt(server(), address(run))).rejects.toThrow(message);
    });

    test.each(["RUNNING", "FAILED", "KILLED"])("of a run that is %s are refused", async (status) => {
      const other = await newMlflowRun(server(), { status });
      await expect(modelAt(server(), `runs:/${other}/model`)).rejects.toThrow(
        new RegExp(
          `^\\[REFUSED\\] a model is registered from a run that succeeded \\(saw run ${other} of MLflow: ${status}\\)`,
        ),
      );
    });
  });

  test("a version whose files lie in a bucket is read from there, with the facts of its run", async () => {
    const version = catalogVersion({ model: `m-${randomUUID().slice(0, 8)}` });
    const { ids } = await catalogAt(server()).publish(version);
    const { files, facts } = await modelAt(server(), `models:/${version.record.model}/1`);
    expect(files).toEqual({ at: "bucket", uri: version.uri });
    expect(facts.parameters).toEqual({ C: "3", kernel: "rbf", shuffle: "true", layers: "[64,10]" });
    // what is measured on data that we published has its whole digest again
    expect(facts.data?.map(({ role, digest }) => [role, digest]).toSorted()).toEqual(
      version.record.data?.map(({ role, digest }) => [role, digest]).toSorted(),
    );
    expect(facts.mlflow).toMatchObject({ run: ids.run, version: `${version.record.model}/1` });
  });

  test.each([
    ["an alias", "models:/nothing@best"],
    ["a version", "models:/nothing/3"],
  ])("%s that is not there is told as such", async (_, address) => {
    await expect(modelAt(server(), address)).rejects.toThrow(/^\[NOT_FOUND\] MLflow refused to find/);
  });
}
