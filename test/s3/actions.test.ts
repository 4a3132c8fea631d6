import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findAlias } from "../../actions/shared/lib/model-registry/aliases.ts";
import { findVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { findRelease } from "../../actions/shared/lib/release-store.ts";
import { verifyModel } from "../../actions/shared/lib/verify-model.ts";
import { jobContext } from "../support/job-context.ts";
import { modelRelease } from "../support/model-release.ts";
import { onnxModel } from "../support/onnx.ts";
import { runAction } from "../support/run-action.ts";
import { envOf, newBucket, type S3Server, storeAt } from "../support/s3-server.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";

const program = await versitygw();

describe.skipIf(program === undefined)("register-model with a bucket as its store", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "" });
  });
  afterAll(() => server.stop());

  /** A job on a machine of GitHub's, with a model in hand. */
  async function jobWithModel(bucket: string) {
    const job = jobContext({ tag: "v1.0.0", hosted: true });
    const release = await modelRelease(job);
    const env = { ...envOf(server), ML_RELEASE_STORE: `s3://${bucket}/models` };
    return { job, release, env };
  }

  test("keeps the version there, and calls nothing a rehearsal", async () => {
    const bucket = await newBucket(server);
    const { job, release, env } = await jobWithModel(bucket);
    const { main } = await runAction("register-model", { job, env, with: { name: "digits", release }, post: false });
    expect({ code: main.code, stderr: main.stderr }).toEqual({ code: 0, stderr: "" });
    expect(main.outputs).toMatchObject({ uri: `s3://${bucket}/models/digits/files/1.0.0`, existed: "false" });
    expect(main.summary).not.toContain("Rehearsal");
    const store = storeAt({ server, bucket });
    const record = await findVersion(store, "digits", "1.0.0");
    expect(record?.digest).toBe(main.outputs.digest);
    expect((await findAlias(store, "digits", "candidate"))?.version).toBe("1.0.0");
    expect((await findRelease(store, "v1.0.0"))?.model?.uri).toBe(`s3://${bucket}/models/digits/files/1.0.0`);
  });

  test("finds it again in another job, and reads every byte of it", async () => {
    const bucket = await newBucket(server);
    const first = await jobWithModel(bucket);
    const given = (one: { readonly release: string }) => ({ name: "digits", release: one.release });
    await runAction("register-model", { ...first, with: given(first), post: false });
    const second = await jobWithModel(bucket);
    const again = (await runAction("register-model", { ...second, with: given(second), post: false })).main;
    expect({ code: again.code, existed: again.outputs.existed }).toEqual({ code: 0, existed: "true" });
    const verified = await runAction("register-model", {
      ...second,
      with: { ...given(second), mode: "verify" },
      post: false,
    });
    expect(verified.main.code).toBe(0);
    await server.admin.putObject({ Bucket: bucket, Key: "models/digits/files/1.0.0/model.onnx", Body: "other" });
    const damaged = await runAction("register-model", {
      ...second,
      with: { ...given(second), mode: "verify" },
      post: false,
    });
    expect(damaged.main.code).toBe(1);
    expect(damaged.main.stdout).toContain("model.onnx: differs");
  });

  test("has versions that nobody names, decisions and protected aliases there too", async () => {
    const bucket = await newBucket(server);
    const step = async (given: Readonly<Record<string, string>>) => {
      const { job, release, env } = await jobWithModel(bucket);
      return (await runAction("register-model", { job, env, with: { name: "digits", release, ...given }, post: false }))
        .main;
    };
    const settings = JSON.stringify({ schema: 1, aliases: { live: { approval: true } } });
    await server.admin.putObject({ Bucket: bucket, Key: "models/registry.json", Body: settings });
    const first = await step({ version: "auto", aliases: "live" });
    expect(first.outputs).toMatchObject({ version: "1", uri: `s3://${bucket}/models/digits/files/~v1.0.0` });
    expect(first.summary).toContain("`live` withheld: nobody approved the version yet");
    expect((await step({ mode: "approve", version: "1", reason: "good" })).code).toBe(0);
    const again = await step({ version: "auto", aliases: "live" });
    expect(again.outputs).toMatchObject({ version: "1", existed: "true" });
    expect((await findAlias(storeAt({ server, bucket }), "digits", "live"))?.version).toBe("1");
    expect((await step({ mode: "retire", version: "1", reason: "wrong" })).code).toBe(0);
    const refused = await step({ mode: "alias", version: "1", aliases: "staging" });
    expect(refused.stdout).toContain("a version that was taken out of use is not used");
  });

  test("sends what changed, and has the rest copied on the server from the version before", async () => {
    const bucket = await newBucket(server);
    const weights = Buffer.alloc(20 * 1024 * 1024, "weights");
    const registerWith = async (tag: string, head: string) => {
      const job = jobContext({ tag, hosted: true });
      const files = { "model.onnx": onnxModel(), "weights.bin": weights, "head.bin": head };
      const release = await modelRelease(job, { tag, files });
      const env = { ...envOf(server), ML_RELEASE_STORE: `s3://${bucket}/models` };
      return (await runAction("register-model", { job, env, with: { name: "digits", release }, post: false })).main;
    };
    expect((await registerWith("v1.0.0", "first")).stdout).toMatch(/^Copied 20 MiB\.$/m);
    const second = await registerWith("v1.1.0", "second");
    expect(second.stdout).toMatch(/^Copied [\d.]+ KiB; saved 20 MiB, which was in the store already\.$/m);
    const store = storeAt({ server, bucket });
    const record = await findVersion(store, "digits", "1.1.0");
    expect(record?.folder).toBe("digits/files/1.1.0");
    expect(record && (await verifyModel(store, record, new AbortController().signal)).faults).toEqual([]);
  });

  test("a plan writes nothing there", async () => {
    const bucket = await newBucket(server);
    const { job, release, env } = await jobWithModel(bucket);
    const { main } = await runAction("register-model", {
      job,
      env,
      with: { name: "digits", release, mode: "plan" },
      post: false,
    });
    expect(main.code).toBe(0);
    expect((await server.admin.listObjectsV2({ Bucket: bucket })).KeyCount).toBe(0);
  });

  test("says that the bucket is not there, and that the credential is wrong without showing it", async () => {
    const { job, release, env } = await jobWithModel("no-such-bucket");
    const run = { job, with: { name: "digits", release }, post: false };
    const missing = (await runAction("register-model", { ...run, env })).main;
    expect(missing.code).toBe(1);
    expect(missing.stdout).toMatch(/NOT_FOUND input store: the bucket no-such-bucket does not exist at http:/);
    const wrong = { ...env, AWS_SECRET_ACCESS_KEY: "not-the-secret-of-this-one" };
    const refused = (await runAction("register-model", { ...run, env: wrong })).main;
    expect(refused.stdout).toMatch(/AUTH input store: .*does not know this credential .*SignatureDoesNotMatch/);
    const shown = refused.stdout.replace("::add-mask::not-the-secret-of-this-one", "") + refused.summary;
    expect(shown).not.toContain("not-the-secret-of-this-one");
  });
});
