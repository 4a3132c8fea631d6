import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generatedBody } from "../support/generated-body.ts";
import { behindProxy } from "../support/s3-proxy.ts";
import { newBucket, type S3Server, storeAt } from "../support/s3-server.ts";
import { streamed } from "../support/streamed.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";
import { ALL_SIZES, uploadMemory } from "./upload-memory.ts";

const program = await versitygw();
const MIB = 1024 * 1024;

async function digestOf(chunks: AsyncIterable<Uint8Array> | undefined): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunks ?? []) hash.update(chunk);
  return hash.digest("hex");
}

describe.skipIf(program === undefined)("a large value", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "" });
  });
  afterAll(() => server.stop());

  const uploadsOf = async (Bucket: string) => (await server.admin.listMultipartUploads({ Bucket })).Uploads ?? [];

  test("goes up in parts and comes back byte for byte", async () => {
    const bucket = await newBucket(server);
    const store = storeAt({ server, bucket });
    const body = generatedBody(50 * MIB + 5);
    const created = await store.create("digits/files/1.0.0/model.onnx", body);
    const opened = await store.open("digits/files/1.0.0/model.onnx");
    expect(await digestOf(opened)).toBe(await digestOf(body.open()));
    expect(created.state === "created" && created.etag).toMatch(/-7"$/);
    expect(await uploadsOf(bucket)).toEqual([]);
  });

  test("exists once, whoever comes second, and nothing is left of the other's parts", async () => {
    const bucket = await newBucket(server);
    const body = generatedBody(20 * MIB);
    const writers = Array.from({ length: 4 }, () => storeAt({ server, bucket }).create("a", body));
    const states = (await Promise.all(writers)).map(({ state }) => state).toSorted();
    expect(states).toEqual(["created", "exists", "exists", "exists"]);
    expect(await storeAt({ server, bucket }).create("a", body)).toEqual({ state: "exists" });
    expect(await uploadsOf(bucket)).toEqual([]);
  });

  test("that ends early, or whose source fails, leaves nothing", async () => {
    const bucket = await newBucket(server);
    const store = storeAt({ server, bucket });
    const short = streamed(30 * MIB, generatedBody(20 * MIB).open);
    await expect(store.create("a", short)).rejects.toMatchObject({ code: "INTEGRITY" });
    const failing = streamed(30 * MIB, async function* () {
      yield* generatedBody(20 * MIB).open();
      throw new Error("the disk went away");
    });
    await expect(store.create("a", failing)).rejects.toThrow("the disk went away");
    expect(await store.read("a")).toBeUndefined();
    expect(await uploadsOf(bucket)).toEqual([]);
  });

  test("is ended by a cancel, which takes it back; what is told afterwards is still written", async () => {
    const bucket = await newBucket(server);
    const cancel = new AbortController();
    const store = storeAt({ server, bucket, signal: cancel.signal });
    const body = streamed(200 * MIB, async function* () {
      yield* generatedBody(40 * MIB).open();
      cancel.abort(new Error("cancelled"));
      yield* generatedBody(160 * MIB).open();
    });
    await expect(store.create("a", body)).rejects.toThrow("cancelled");
    expect(await uploadsOf(bucket)).toEqual([]);
    expect((await store.create("told", new Uint8Array(3))).state).toBe("created");
  });

  uploadMemory(() => server, "a file of 512 MiB", [512 * MIB]);
  uploadMemory(() => server, "a folder of files of all sizes", ALL_SIZES);

  test("of which a part breaks is sent on with that part again", async () => {
    const { proxy, open, direct } = await behindProxy(server);
    const body = generatedBody(40 * MIB);
    let broken = 0;
    proxy.befall = (_, line) => (/^PUT .*partNumber/.test(line) && broken++ % 3 === 0 ? "reset before" : undefined);
    expect((await open().create("a", body)).state).toBe("created");
    expect(broken).toBeGreaterThan(5);
    expect(await digestOf(await direct.open("a"))).toBe(await digestOf(body.open()));
  });

  test("that breaks while it is read goes on where it broke", async () => {
    const { proxy, open, direct } = await behindProxy(server);
    const body = generatedBody(20 * MIB);
    await direct.create("a", body);
    let asked = 0;
    proxy.befall = (_, line) => (line === "GET models/a" && asked++ < 3 ? "cut answer" : undefined);
    expect(await digestOf(await open().open("a"))).toBe(await digestOf(body.open()));
    expect(asked).toBe(4);
  });
});
