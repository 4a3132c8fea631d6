import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { storeModel } from "../../actions/shared/lib/store-model.ts";
import type { SourceFile } from "../../actions/shared/ports/source-file.ts";
import { modelStoreContract } from "../contract/model-store-contract.ts";
import { generatedBody } from "../support/generated-body.ts";
import { behindProxy } from "../support/s3-proxy.ts";
import { newBucket, type S3Server, storeAt } from "../support/s3-server.ts";
import { streamed } from "../support/streamed.ts";
import { addUser, startVersitygw, versitygw } from "../support/versitygw.ts";

const program = await versitygw();
const bytes = (text: string) => new TextEncoder().encode(text);
const ROLES = join(import.meta.dirname, "../../roles");

type Policy = { readonly Version: string; readonly Statement: readonly { readonly Action: readonly string[] }[] };

describe.skipIf(program === undefined)("under the policy that we ship", () => {
  let server: S3Server;
  let limited: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "" });
    limited = { ...server, keys: await addUser({ program: program ?? "", server }) };
  });
  afterAll(() => server.stop());

  /** A bucket in which the limited user may do what the file says, less one action. */
  async function bucketUnder(file: string, without?: string): Promise<string> {
    const bucket = await newBucket(server);
    const text = readFileSync(join(ROLES, file), "utf8").replaceAll("BUCKET", bucket).replaceAll("PREFIX", "models");
    const { Version, Statement } = JSON.parse(text) as Policy;
    const Principal = { AWS: [limited.keys.accessKeyId] };
    const allowed = Statement.map((one) => ({
      ...one,
      Principal,
      Action: one.Action.filter((name) => name !== without),
    }));
    const Policy = JSON.stringify({ Version, Statement: allowed.filter(({ Action }) => Action.length > 0) });
    await server.admin.putBucketPolicy({ Bucket: bucket, Policy });
    return bucket;
  }

  describe("the store does all that it does", () => {
    modelStoreContract(async () => {
      const bucket = await bucketUnder("model-store-s3.json");
      const open = () => storeAt({ server: limited, bucket });
      return { store: open(), again: open };
    });
  });

  const needed = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"];
  test.each(needed)("without %s it says so, by name", async (action) => {
    const bucket = await bucketUnder("model-store-s3.json", action);
    const refused = storeAt({ server: limited, bucket }).create("digits/versions/1.0.0.json", bytes("{}"));
    await expect(refused).rejects.toMatchObject({
      code: "AUTH",
      problems: [{ hint: expect.stringContaining(`allow ${action} on s3://${bucket}/models/*`) }],
    });
  });

  test("without s3:ListBucket it says so when it lists", async () => {
    const bucket = await bucketUnder("model-store-s3.json", "s3:ListBucket");
    const listing = Array.fromAsync(storeAt({ server: limited, bucket }).list("digits/"));
    await expect(listing).rejects.toMatchObject({
      problems: [{ hint: expect.stringContaining(`allow s3:ListBucket on the bucket ${bucket}`) }],
    });
  });

  test("a credential that may only read is refused before anything large is sent, and reads", async () => {
    const bucket = await bucketUnder("model-store-s3-read.json");
    await storeAt({ server, bucket }).create("a", bytes("x"));
    const store = storeAt({ server: limited, bucket });
    expect(await store.read("a")).toMatchObject({ bytes: Buffer.from("x") });
    let opened = 0;
    const body = streamed(20 * 1024 * 1024, async function* () {
      opened++;
      yield bytes("never read");
    });
    await expect(store.create("b", body)).rejects.toMatchObject({ code: "AUTH" });
    expect(opened).toBe(0);
  });

  test("so is one at a server that was probed by another job: before a file of the model is read", async () => {
    const bucket = await bucketUnder("model-store-s3-read.json");
    // Leaves what the probe found in the store.
    await storeAt({ server, bucket }).create("a", bytes("x"));
    let read = 0;
    const file: SourceFile = {
      path: "model.bin",
      source: "model.bin",
      size: 3,
      async *read() {
        read++;
        yield bytes("123");
      },
      open: () => Promise.reject(new Error("not asked for")),
    };
    const { signal } = new AbortController();
    const storing = { name: "digits", place: "1.0.0", files: [file], signal };
    await expect(storeModel(storeAt({ server: limited, bucket }), storing)).rejects.toMatchObject({
      code: "AUTH",
      problems: [{ hint: expect.stringContaining(`allow s3:PutObject on s3://${bucket}/models/*`) }],
    });
    expect(read).toBe(0);
  });

  test("without s3:ListMultipartUploadParts a file that was cut off goes up anew", async () => {
    const bucket = await bucketUnder("model-store-s3.json", "s3:ListMultipartUploadParts");
    const body = generatedBody(40 * 1024 * 1024);
    const { proxy, open } = await behindProxy(limited, bucket);
    proxy.befall = (_, line) =>
      line.includes("partNumber") && proxy.requests.length > 25 ? "reset before" : undefined;
    await expect(open({ attempts: 1 }).create("a", body)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    proxy.befall = () => undefined;
    const again = await open({ quietMs: Number.NEGATIVE_INFINITY }).create("a", body);
    expect(again).toEqual({ state: "created", etag: expect.any(String) });
    expect(proxy.requests.some((line) => line === "GET models/a?uploadId")).toBe(true);
  });

  test("tags are put under the policy with tags", async () => {
    const rest = "models?tag.team=risk";
    const allowed = await bucketUnder("model-store-s3-tags.json");
    await storeAt({ server: limited, bucket: allowed, rest }).create("a", bytes("x"));
    const tagged = await server.admin.getObjectTagging({ Bucket: allowed, Key: "models/a" });
    expect(tagged.TagSet).toEqual([{ Key: "team", Value: "risk" }]);
  });
});
