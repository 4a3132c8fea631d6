import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ModelStore } from "../../actions/shared/ports/model-store.ts";
import { generatedBody } from "../support/generated-body.ts";
import { behindProxy } from "../support/s3-proxy.ts";
import { type S3Server, storeAt, type TestStore } from "../support/s3-server.ts";
import { type Streamed, streamed } from "../support/streamed.ts";
import { addUser, startVersitygw, versitygw } from "../support/versitygw.ts";

const program = await versitygw();
const MIB = 1024 ** 2;
const SIZE = 60 * MIB;
/** The seconds that must pass before an upload is nobody's have passed for this store. */
const LATER = Number.NEGATIVE_INFINITY;

async function digestOf(chunks: AsyncIterable<Uint8Array> | undefined): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunks ?? []) hash.update(chunk);
  return hash.digest("hex");
}

const expectBytes = async (store: ModelStore, key: string, body: Streamed) =>
  expect(await digestOf(await store.open(key))).toBe(await digestOf(body.open()));

describe.skipIf(program === undefined)("a large file that was cut off", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "" });
  });
  afterAll(() => server.stop());

  /** A store behind a proxy, and what is below its bucket that nobody should find there in the end. */
  async function setUp() {
    const { proxy, bucket, direct, open: openAt } = await behindProxy(server);
    const open = (options: Partial<TestStore> = {}) => openAt({ timeoutMs: 20_000, ...options });
    const left = async () => ({
      uploads: ((await server.admin.listMultipartUploads({ Bucket: bucket })).Uploads ?? []).length,
      notes: (await server.admin.listObjectsV2({ Bucket: bucket, Prefix: "models/.store/uploads/" })).KeyCount,
    });
    const sent = () => proxy.requests.filter((line) => /^PUT .*partNumber/.test(line)).length;
    /** An attempt for which the server is gone after so many parts. */
    const cutOff = async (body: Streamed, parts: number) => {
      const before = sent();
      proxy.befall = () => (sent() - before >= parts ? "reset before" : undefined);
      await expect(open({ attempts: 1 }).create("a", body)).rejects.toMatchObject({ code: "UNAVAILABLE" });
      // What was on its way when it was ended still arrives.
      await sleep(500);
      proxy.befall = () => undefined;
    };
    return { proxy, bucket, direct, open, left, sent, cutOff };
  }

  test("goes on from there, and sends no part again", async () => {
    const { open, cutOff, sent, left, direct } = await setUp();
    const body = generatedBody(SIZE);
    await cutOff(body, 5);
    expect(await left()).toEqual({ uploads: 1, notes: 1 });
    const before = sent();
    const lines: string[] = [];
    const created = await open({ quietMs: LATER, lines }).create("a", body);
    const spared = created.state === "created" ? (created.spared ?? 0) : 0;
    expect(spared).toBeGreaterThan(0);
    expect(sent() - before).toBe(8 - spared / (8 * MIB));
    expect(lines.join("\n")).toMatch(
      /An earlier attempt sent \d+ MiB of models\/a \(\d parts\): going on from there\./,
    );
    await expectBytes(direct, "a", body);
    expect(await left()).toEqual({ uploads: 0, notes: 0 });
  });

  test("and is another one now is sent anew, without a byte of the old one", async () => {
    const { open, cutOff, left, direct } = await setUp();
    await cutOff(generatedBody(SIZE), 5);
    const other = generatedBody(SIZE, 1);
    expect(await open({ quietMs: LATER }).create("a", other)).toEqual({ state: "created", etag: expect.any(String) });
    await expectBytes(direct, "a", other);
    expect(await left()).toEqual({ uploads: 0, notes: 0 });
  });

  test("of another size since is sent anew", async () => {
    const { open, cutOff, left, direct } = await setUp();
    await cutOff(generatedBody(SIZE), 5);
    const other = generatedBody(SIZE + 1);
    await open({ quietMs: LATER }).create("a", other);
    await expectBytes(direct, "a", other);
    expect(await left()).toEqual({ uploads: 0, notes: 0 });
  });

  test("a moment ago may be somebody's still: it is left alone", async () => {
    const { open, cutOff, sent, left, direct } = await setUp();
    const body = generatedBody(SIZE);
    await cutOff(body, 5);
    const before = sent();
    expect(await open().create("a", body)).toEqual({ state: "created", etag: expect.any(String) });
    expect(sent() - before).toBe(8);
    await expectBytes(direct, "a", body);
    expect(await left()).toEqual({ uploads: 1, notes: 1 });
  });

  test("is gone on with by one of many, and exists once", async () => {
    const { open, cutOff, direct } = await setUp();
    const body = generatedBody(SIZE);
    await cutOff(body, 5);
    const created = await Promise.all(Array.from({ length: 4 }, () => open({ quietMs: LATER }).create("a", body)));
    expect(created.filter(({ state }) => state === "created").length).toBeLessThanOrEqual(1);
    await expectBytes(direct, "a", body);
  });

  test("by its first writer, who comes back, is not taken for that one's when another finished it", async () => {
    const { proxy, open, direct } = await setUp();
    const [slow, other] = [generatedBody(SIZE), generatedBody(SIZE)];
    let taken: Promise<unknown> | undefined;
    // Its last request is held up until somebody else has taken over the upload and finished it.
    proxy.hold = async (line) => {
      if (taken !== undefined || !/^POST .*uploadId/.test(line)) return;
      taken = storeLater().create("a", other);
      expect(await taken).toMatchObject({ state: "created", spared: SIZE });
    };
    const storeLater = () => open({ quietMs: LATER });
    expect(await open().create("a", slow)).toEqual({ state: "exists" });
    await expectBytes(direct, "a", other);
  });
});

describe.skipIf(program === undefined)("a large file that is like an earlier one", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "" });
  });
  afterAll(() => server.stop());

  /** The body with one byte changed. */
  function changedAt(body: Streamed, place: number): Streamed {
    return streamed(body.size, async function* () {
      let at = 0;
      for await (const chunk of body.open()) {
        if (place >= at && place < at + chunk.length) chunk[place - at] = (chunk[place - at] ?? 0) ^ 1;
        at += chunk.length;
        yield chunk;
      }
    });
  }

  test.each([
    ["the same", (body: Streamed) => body, SIZE],
    ["one byte of it is another", (body: Streamed) => changedAt(body, 20 * MIB), SIZE - 8 * MIB],
    ["longer", () => generatedBody(SIZE + 4 * MIB), 7 * 8 * MIB],
    ["shorter", () => generatedBody(SIZE - 8 * MIB), SIZE - 8 * MIB],
    ["wholly another", () => generatedBody(SIZE, 1), 0],
  ] as const)("%s: what is the same is copied on the server", async (_, change, spared) => {
    const { direct, proxy, open } = await behindProxy(server);
    const original = generatedBody(SIZE);
    await direct.create("1.0.0/model", original);
    const body = change(original);
    const created = await open({ timeoutMs: 20_000 }).create("1.1.0/model", body, "1.0.0/model");
    expect(created).toMatchObject({ state: "created", ...(spared > 0 ? { spared } : {}) });
    await expectBytes(direct, "1.1.0/model", body);
    await expectBytes(direct, "1.0.0/model", original);
    expect(proxy.requests.filter((line) => line.includes("1.1.0")).length).toBeLessThan(30);
  });

  test("is sent where the earlier one is not there", async () => {
    const { direct } = await behindProxy(server);
    const body = generatedBody(SIZE);
    expect(await direct.create("a", body, "b")).toEqual({ state: "created", etag: expect.any(String) });
    await expectBytes(direct, "a", body);
  });

  test("is sent where this credential may not read the earlier one", async () => {
    const { bucket, direct } = await behindProxy(server);
    const body = generatedBody(SIZE);
    await direct.create("secret/model", body);
    const keys = await addUser({ program: program ?? "", server });
    const Policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [".store", "open"].map((folder) => ({
        Effect: "Allow",
        Principal: { AWS: [keys.accessKeyId] },
        Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
        Resource: `arn:aws:s3:::${bucket}/models/${folder}/*`,
      })),
    });
    await server.admin.putBucketPolicy({ Bucket: bucket, Policy });
    const limited = storeAt({ server: { ...server, keys }, bucket });
    expect(await limited.create("open/model", body, "secret/model")).toMatchObject({ state: "created" });
    await expectBytes(direct, "open/model", body);
  });
});
