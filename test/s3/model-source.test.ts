import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseModelAddress } from "../../actions/shared/clients/s3/model-address.ts";
import { findObjects } from "../../actions/shared/clients/s3/source-files.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { hashFiles, hashModel } from "../../actions/shared/lib/hash-model.ts";
import { findVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { describeModel } from "../../actions/shared/model/describe-model.ts";
import { answerJson } from "../support/http-server.ts";
import { jobContext } from "../support/job-context.ts";
import { startKubeServer } from "../support/kube-server.ts";
import { modelRelease, RUN_ID } from "../support/model-release.ts";
import { onnxModel } from "../support/onnx.ts";
import { runAction } from "../support/run-action.ts";
import { behindProxy } from "../support/s3-proxy.ts";
import { envOf, newBucket, type S3Server, storeAt } from "../support/s3-server.ts";
import { addUser, startVersitygw, versitygw } from "../support/versitygw.ts";
import { registerStreamed } from "./streamed-model.ts";

const program = await versitygw();
const KIB = 1024;
const MIB = 1024 * KIB;
const secretRef = { secretName: "artifact-keys", accessKeyKey: "id", secretKeyKey: "secret" };

describe.skipIf(program === undefined)("a model in a bucket", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "" });
  });
  afterAll(() => server.stop());

  async function bucketWith(files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
    const Bucket = await newBucket(server);
    for (const [Key, Body] of Object.entries(files)) await server.admin.putObject({ Bucket, Key, Body });
    return Bucket;
  }

  function find(place: string, at: Pick<S3Server, "endpoint" | "keys"> = server) {
    const model = parseModelAddress(place);
    if (model.state === "bad") throw new Error("not parsed");
    return findObjects({ model: model.value, env: envOf(at), clock: systemClock, timeoutMs: 5_000, attempts: 3 });
  }

  function findAtAmazon(place: string) {
    const model = parseModelAddress(place);
    if (model.state === "bad") throw new Error("not parsed");
    const env = { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "secret" };
    return findObjects({ model: model.value, env, clock: systemClock, attempts: 1 });
  }

  test("is everything below a key, as it would be in a folder", async () => {
    const files = { "z.txt": "z", "a/b.bin": "b", "a.onnx": "a", ".hidden": "h", ".git/config": "g", "model.sig": "s" };
    const bucket = await bucketWith({
      ...Object.fromEntries(Object.entries(files).map(([path, text]) => [`runs/1/model/${path}`, text])),
      "runs/1/model-other/c.onnx": "c",
      "runs/1/model/a/": new Uint8Array(),
    });
    const found = await find(`s3://${bucket}/runs/1/model`);
    expect(found.map(({ path, size, source }) => ({ path, size, source }))).toEqual(
      [".hidden", "a.onnx", "a/b.bin", "z.txt"].map((path) => ({
        path,
        size: 1,
        source: `s3://${bucket}/runs/1/model/${path}`,
      })),
    );
    const job = jobContext({ files });
    expect((await hashFiles(found)).digest).toBe((await hashModel(job.workspace)).digest);
  });

  test("is one object, by the last part of its key", async () => {
    const bucket = await bucketWith({ "runs/1/model.onnx": "one", "runs/1/model.onnx.txt": "other" });
    const [file, ...others] = await find(`minio://${bucket}/runs/1/model.onnx`);
    expect(others).toEqual([]);
    expect(file).toMatchObject({ path: "model.onnx", size: 3, source: `minio://${bucket}/runs/1/model.onnx` });
  });

  test("is not found where nothing is, and says which bucket and credential are wrong", async () => {
    const bucket = await bucketWith({ "a/b": "c" });
    await expect(find(`s3://${bucket}/b`)).rejects.toMatchObject({
      code: "NOT_FOUND",
      problems: [{ where: { file: `s3://${bucket}/b` } }],
    });
    await expect(find("s3://no-such-bucket/b")).rejects.toMatchObject({
      code: "NOT_FOUND",
      problems: [{ where: { input: "model" }, hint: expect.stringContaining("`model`") }],
    });
    const stranger = { ...server, keys: { ...server.keys, secretAccessKey: "wrong" } };
    await expect(find(`s3://${bucket}/a`, stranger)).rejects.toMatchObject({
      code: "AUTH",
      problems: [{ where: { input: "model" }, hint: expect.stringContaining("`model-secret-key`") }],
    });
    await expect(findAtAmazon(`s3://${bucket}/a`)).rejects.toMatchObject({
      code: "CONFIG",
      problems: [{ where: { input: "model" }, hint: expect.stringContaining("AWS_REGION") }],
    });
    const nobody = { ...server, keys: await addUser({ program: program ?? "", server }) };
    await expect(find(`s3://${bucket}/a`, nobody)).rejects.toMatchObject({
      code: "AUTH",
      problems: [{ rule: expect.stringContaining("list the bucket of the model") }],
    });
  });

  test("is looked into by reading its headers, not its weights", async () => {
    const weights = Buffer.alloc(6 * 1024 * KIB, 3);
    const header = Buffer.from(
      JSON.stringify({ w: { dtype: "U8", shape: [weights.length], data_offsets: [0, weights.length] } }),
    );
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const bucket = await bucketWith({
      "m/model.safetensors": Buffer.concat([length, header, weights]),
      "m/preprocess.onnx": onnxModel(),
    });
    const { proxy } = await behindProxy(server);
    const described = await describeModel(await find(`s3://${bucket}/m`, { ...server, endpoint: proxy.endpoint }));
    expect(described).toMatchObject({ format: { name: "onnx" }, scan: { verdict: "data-only" } });
    expect(proxy.answered()).toBeLessThan(600 * KIB);
  });

  test("that changes between being found and being read is not registered, by whichever way it is read", async () => {
    const bucket = await bucketWith({ "m/a.bin": "before", "m/b.bin": "b" });
    const [a] = await find(`s3://${bucket}/m`);
    await server.admin.putObject({ Bucket: bucket, Key: "m/a.bin", Body: "behind" });
    if (a === undefined) throw new Error("not found");
    const changed = { code: "INTEGRITY", problems: [{ where: { file: `s3://${bucket}/m/a.bin` } }] };
    await expect(hashFiles([a])).rejects.toMatchObject(changed);
    await expect(a.open((bytes) => bytes.read(0, 3))).rejects.toMatchObject(changed);
    await server.admin.deleteObject({ Bucket: bucket, Key: "m/a.bin" });
    await expect(hashFiles([a])).rejects.toMatchObject(changed);
  });

  test("that changes while it is read is not registered, where the connection breaks in between", async () => {
    const bucket = await bucketWith({ "m/a.bin": Buffer.alloc(8 * 1024 * KIB, 1) });
    const { proxy } = await behindProxy(server);
    proxy.befall = (_, line) => (line === "GET m/a.bin" ? "cut answer" : undefined);
    const [a] = await find(`s3://${bucket}/m`, { ...server, endpoint: proxy.endpoint });
    const read = async () => {
      let isFirst = true;
      for await (const _ of a?.read() ?? []) {
        if (!isFirst) continue;
        isFirst = false;
        await server.admin.putObject({ Bucket: bucket, Key: "m/a.bin", Body: Buffer.alloc(8 * 1024 * KIB, 2) });
      }
    };
    await expect(read()).rejects.toMatchObject({ code: "INTEGRITY" });
  });
});

describe.skipIf(program === undefined)("register-model with a model that its engine left in a bucket", () => {
  let engine: S3Server;
  let registry: S3Server;
  beforeAll(async () => {
    engine = await startVersitygw({ program: program ?? "" });
    registry = await startVersitygw({ program: program ?? "" });
  });
  afterAll(async () => {
    await engine.stop();
    await registry.stop();
  });

  /** A release whose run was on a cluster: its model lies at the engine's server, in no folder of this machine. */
  async function clusterRelease() {
    const job = jobContext({ tag: "v1.0.0", hosted: true });
    const [bucket, models] = [await newBucket(engine), await newBucket(registry)];
    const key = `v2/artifacts/digits/${RUN_ID}/export/model`;
    await engine.admin.putObject({ Bucket: bucket, Key: `${key}/model.onnx`, Body: onnxModel() });
    await engine.admin.putObject({ Bucket: bucket, Key: `${key}/labels.txt`, Body: "0 1 2" });
    const uri = `minio://${bucket}/${key}`;
    const release = await modelRelease(job, {
      alter: (record) => {
        const { run, gate } = record;
        if (run?.model === undefined || gate === undefined) return record;
        const { digest: _, ...model } = run.model;
        const { digest: __, ...subject } = gate.subject;
        return { ...record, run: { ...run, model: { ...model, uri } }, gate: { ...gate, subject } };
      },
    });
    const env = { ...envOf(registry), ML_RELEASE_STORE: `s3://${models}/models` };
    const source = {
      "model-endpoint": engine.endpoint,
      "model-access-key": engine.keys.accessKeyId,
      "model-secret-key": engine.keys.secretAccessKey,
    };
    return { job, bucket, models, uri, release, env, source };
  }

  test("takes it from there into the store, each with its own credentials", async () => {
    const { job, models, uri, release, env, source } = await clusterRelease();
    const { main } = await runAction("register-model", {
      job,
      env,
      with: { name: "digits", release, ...source },
      post: false,
    });
    expect({ code: main.code, stderr: main.stderr, out: main.stdout }).toMatchObject({ code: 0, stderr: "" });
    expect(main.stdout).toContain(`Found the model at ${uri}: 2 files`);
    const record = await findVersion(storeAt({ server: registry, bucket: models }), "digits", "1.0.0");
    expect(record).toMatchObject({
      format: { name: "onnx" },
      gate: { verdict: "pass" },
      files: [{ path: "labels.txt", size: 5 }, { path: "model.onnx" }],
    });
    expect(main.stdout.replaceAll(/::add-mask::.*/g, "")).not.toContain(engine.keys.secretAccessKey);
  });

  test("takes one that is named, and a plan of it writes nothing", async () => {
    const { job, bucket, models, env, source } = await clusterRelease();
    await engine.admin.putObject({ Bucket: bucket, Key: "other/model.onnx", Body: onnxModel() });
    const given = { name: "digits", version: "2.0.0", model: `s3://${bucket}/other/model.onnx`, ...source };
    const planned = await runAction("register-model", { job, env, with: { ...given, mode: "plan" }, post: false });
    expect(planned.main.code).toBe(0);
    expect((await registry.admin.listObjectsV2({ Bucket: models })).KeyCount).toBe(0);
    const { main } = await runAction("register-model", { job, env, with: given, post: false });
    expect({ code: main.code, digest: main.outputs.digest }).toEqual({ code: 0, digest: planned.main.outputs.digest });
  });

  test("finds server and credentials where the launcher of the engine has them", async () => {
    const { job, models, release, env } = await clusterRelease();
    const said = {
      default: {
        endpoint: new URL(engine.endpoint).host,
        disableSSL: true,
        region: "us-east-1",
        credentials: { secretRef },
      },
    };
    const asked: string[] = [];
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    const kept: Readonly<Record<string, object>> = {
      "/api/v1/namespaces/team-a/configmaps/kfp-launcher": { providers: JSON.stringify({ minio: said }) },
      "/api/v1/namespaces/team-a/secrets/artifact-keys": {
        id: base64(engine.keys.accessKeyId),
        secret: base64(engine.keys.secretAccessKey),
      },
    };
    const kube = await startKubeServer(({ url = "", headers }, response) => {
      asked.push(url);
      const data = headers.authorization === "Bearer t0ken-of-the-test" ? kept[url] : undefined;
      answerJson(response, data === undefined ? 404 : 200, { metadata: { name: "x" }, data });
    });
    const kubeconfig = kube.kubeconfig({ token: "t0ken-of-the-test" });
    const given = { name: "digits", release, kubeconfig, namespace: "team-a" };
    const { main } = await runAction("register-model", { job, env, with: given, post: false });
    expect({ code: main.code, stderr: main.stderr }).toEqual({ code: 0, stderr: "" });
    expect(main.masks).toContain(engine.keys.secretAccessKey);
    expect(asked).toHaveLength(2);
    expect(await findVersion(storeAt({ server: registry, bucket: models }), "digits", "1.0.0")).toBeDefined();
    const elsewhere = { ...given, version: "2.0.0", namespace: "kubeflow" };
    const refused = (await runAction("register-model", { job, env, with: elsewhere, post: false })).main;
    expect(refused.stdout).toMatch(/CONFIG Secret kubeflow\/mlpipeline-minio-artifact: .*no such secret/);
  });

  test("holds no more of it than a few pieces, and puts none of it on the disk", { timeout: 120_000 }, async () => {
    const small = await registerStreamed({ engine, registry, bytes: MIB });
    const large = await registerStreamed({ engine, registry, bytes: 100 * MIB });
    expect([small.main.code, large.main.code]).toEqual([0, 0]);
    expect((large.peak - small.peak) / MIB).toBeLessThan(62);
    const [file] =
      (await findVersion(storeAt({ server: registry, bucket: large.models }), "digits", "1.0.0"))?.files ?? [];
    expect(file?.size).toBeGreaterThan(100 * MIB);
  });

  test("says what is missing where nobody knows the server or the secret", async () => {
    const { job, release, uri, source } = await clusterRelease();
    const folder = { ML_RELEASE_STORE: join(job.workspace, "store") };
    const run = { job, env: folder, post: false };
    const nowhere = (await runAction("register-model", { ...run, with: { name: "digits", release } })).main;
    expect(nowhere.stdout).toMatch(
      /INPUT input model-endpoint: minio:\/\/ is an address inside of the engine's cluster/,
    );
    expect(nowhere.stdout).toContain(uri);
    const half = {
      name: "digits",
      release,
      "model-endpoint": source["model-endpoint"],
      "model-access-key": "an-access-key-alone",
    };
    const without = (await runAction("register-model", { ...run, with: half })).main;
    expect(without.stdout).toMatch(/INPUT input model-secret-key: an access key and its secret go together/);
  });
});
