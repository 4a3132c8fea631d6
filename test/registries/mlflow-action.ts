import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { history } from "../../actions/shared/lib/model-registry/log.ts";
import { findVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { freePort } from "../support/docker-registry.ts";
import { type JobContext, jobContext } from "../support/job-context.ts";
import { askMlflow, type MlflowServer, newMlflowRun } from "../support/mlflow.ts";
import { modelRelease } from "../support/model-release.ts";
import { onnxModel } from "../support/onnx.ts";
import { runAction } from "../support/run-action.ts";
import { newBucket } from "../support/s3-server.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";

type Given = Readonly<Record<string, string>>;
type Version = { readonly version: string; readonly run_id: string; readonly source: string };

const storeOf = (job: JobContext) => folderStore(join(job.home, "models"));

/** register-model as a process of its own on that server. `server` is there when the tests run. */
export function mlflowAction(server: () => MlflowServer): void {
  async function step(job: JobContext, name: string, { env = {}, ...given }: Given & { readonly env?: Given }) {
    const { admin } = server();
    const login = { "mlflow-username": admin.username, "mlflow-password": admin.password };
    const { main } = await runAction("register-model", { job, with: { name, ...login, ...given }, env, post: false });
    return main;
  }

  async function versionsOf(name: string): Promise<readonly Version[]> {
    const filter = encodeURIComponent(`name='${name}'`);
    const { model_versions = [] } = (await askMlflow(
      server(),
      `/api/2.0/mlflow/model-versions/search?filter=${filter}`,
    )) as {
      readonly model_versions?: readonly Version[];
    };
    return model_versions;
  }

  describe("register-model", () => {
    test("shows what it registers in MLflow, once; the ids are in the log, the password nowhere", async () => {
      const name = `m-${randomUUID().slice(0, 8)}`;
      const job = jobContext({ tag: "v1.0.0" });
      const release = await modelRelease(job, { tag: "v1.0.0" });
      const main = await step(job, name, { release, mlflow: server().base });
      expect({ code: main.code, stderr: main.stderr }).toEqual({ code: 0, stderr: "" });
      const [shown] = await versionsOf(name);
      expect(main.summary).toContain(`MLflow at \`${server().base}\` shows it since now`);
      const published = (await history(storeOf(job), name)).filter(({ event }) => event === "published");
      expect(published).toMatchObject([
        {
          version: "1.0.0",
          catalog: { kind: "mlflow", address: server().base, ids: { model: name, version: "1", run: shown?.run_id } },
        },
      ]);
      const lines = main.stdout.split("\n").filter((line) => line.includes(server().admin.password));
      expect(lines).toEqual([`::add-mask::${server().admin.password}`]);

      const again = await step(job, name, { release, mlflow: server().base });
      expect({ code: again.code, existed: again.outputs.existed }).toEqual({ code: 0, existed: "true" });
      expect(await versionsOf(name)).toHaveLength(1);
    });

    test("registers a version all the same where MLflow is down, and fails or warns as it is told", async () => {
      const job = jobContext({ tag: "v1.0.0" });
      const release = await modelRelease(job, { tag: "v1.0.0" });
      const down = `http://127.0.0.1:${await freePort()}`;
      const failed = await step(job, "digits", { release, mlflow: down });
      expect(failed.code).toBe(1);
      expect(await findVersion(storeOf(job), "digits", "1.0.0")).toBeDefined();
      const warned = await step(job, "digits", { release, mlflow: down, "on-publish-failure": "warn" });
      expect(warned.code).toBe(0);
      expect(warned.summary).toContain("MLflow");
    });

    test("registers what a run of MLflow logged, with its parameters and metrics, and shows it by that run", async () => {
      const name = `m-${randomUUID().slice(0, 8)}`;
      const run = await newMlflowRun(server(), {
        files: { "model/model.onnx": onnxModel() },
        params: [{ key: "C", value: "0.5" }],
        metrics: [{ key: "accuracy", value: 0.95, timestamp: 1, step: 0 }],
      });
      const job = jobContext({ tag: "v1.0.0" });
      const main = await step(job, name, { model: `runs:/${run}/model`, mlflow: server().base });
      expect({ code: main.code, stderr: main.stderr }).toEqual({ code: 0, stderr: "" });
      expect(await findVersion(storeOf(job), name, "1.0.0")).toMatchObject({
        files: [{ path: "model.onnx", size: onnxModel().length }],
        format: { name: "onnx" },
        parameters: { C: "0.5" },
        metrics: [{ name: "accuracy", value: 0.95 }],
        mlflow: { server: server().base, address: `runs:/${run}/model`, run },
      });
      expect(main.summary).toContain(`\`runs:/${run}/model\` of`);
      expect(await versionsOf(name)).toMatchObject([{ version: "1", run_id: run }]);
    });

    test("reads from the server of the job's environment without showing anything there", async () => {
      const { base, admin } = server();
      const name = `m-${randomUUID().slice(0, 8)}`;
      const run = await newMlflowRun(server(), { files: { "model.onnx": onnxModel() } });
      const job = jobContext({ tag: "v1.0.0" });
      const { main } = await runAction("register-model", {
        job,
        with: { name, model: `runs:/${run}/model.onnx` },
        env: {
          MLFLOW_TRACKING_URI: base,
          MLFLOW_TRACKING_USERNAME: admin.username,
          MLFLOW_TRACKING_PASSWORD: admin.password,
        },
        post: false,
      });
      expect({ code: main.code, stderr: main.stderr }).toEqual({ code: 0, stderr: "" });
      expect((await findVersion(storeOf(job), name, "1.0.0"))?.mlflow?.run).toBe(run);
      expect(await versionsOf(name)).toEqual([]);
      expect(main.masks).toContain(admin.password);
    });

    test("reads the files of a version from the bucket that they lie in", async () => {
      const program = await versitygw();
      if (program === undefined) return;
      const bucketServer = await startVersitygw({ program });
      onTestFinished(() => bucketServer.stop());
      const Bucket = await newBucket(bucketServer);
      await bucketServer.admin.putObject({ Bucket, Key: "models/7/model.onnx", Body: onnxModel() });
      const name = `m-${randomUUID().slice(0, 8)}`;
      const post = (path: string, json: unknown) =>
        askMlflow(server(), `/api/2.0/mlflow/${path}`, { method: "POST", json });
      await post("registered-models/create", { name });
      await post("model-versions/create", { name, source: `s3://${Bucket}/models/7` });
      const job = jobContext({ tag: "v1.0.0" });
      const { main } = await runAction("register-model", {
        job,
        with: { name, model: `models:/${name}/1` },
        env: {
          MLFLOW_TRACKING_URI: server().base.replace("//", `//${server().admin.username}:${server().admin.password}@`),
          MLFLOW_S3_ENDPOINT_URL: bucketServer.endpoint,
          AWS_ACCESS_KEY_ID: bucketServer.keys.accessKeyId,
          AWS_SECRET_ACCESS_KEY: bucketServer.keys.secretAccessKey,
        },
        post: false,
      });
      expect({ code: main.code, stderr: main.stderr }).toEqual({ code: 0, stderr: "" });
      const record = await findVersion(storeOf(job), name, "1.0.0");
      expect(record?.files).toMatchObject([{ path: "model.onnx", size: onnxModel().length }]);
      expect(record?.mlflow).toEqual({ server: server().base, address: `models:/${name}/1`, version: `${name}/1` });
      expect(main.stdout.split("\n").filter((line) => line.includes(server().admin.password))).toEqual([
        `::add-mask::${server().admin.password}`,
      ]);
    });

    test("says what is missing where no server is named", async () => {
      const job = jobContext({ tag: "v1.0.0" });
      const { main } = await runAction("register-model", {
        job,
        with: { name: "digits", model: "models:/digits@best" },
        post: false,
      });
      expect(main.code).toBe(1);
      expect(main.stdout).toContain("a model of MLflow needs the address of its server");
    });
  });
}
