import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { modelStoreContract } from "../contract/model-store-contract.ts";
import { lacksRadosgw, startRadosgw } from "../support/radosgw.ts";
import { newBucket, type S3Server, storeAt } from "../support/s3-server.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe.skipIf(lacksRadosgw())("on Ceph's gateway 16.2", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startRadosgw();
  });
  afterAll(() => server?.stop());

  test("a store is refused with what the server does to it, before anything is written", async () => {
    const bucket = await newBucket(server);
    await expect(storeAt({ server, bucket }).create("digits/versions/1.0.0.json", bytes("{}"))).rejects.toMatchObject({
      code: "REFUSED",
      problems: [
        { rule: expect.stringMatching(/overwrites an object .* \(If-None-Match: \* on CompleteMultipartUpload\)/) },
        { rule: expect.stringMatching(/another etag was asked for \(If-Match on CompleteMultipartUpload\)/) },
      ],
    });
    expect((await server.admin.listObjectsV2({ Bucket: bucket })).KeyCount).toBe(0);
  });

  test("a bucket with versions is refused for more", async () => {
    const bucket = await newBucket(server, "versions");
    const refused = storeAt({ server, bucket }).create("digits/versions/1.0.0.json", bytes("{}"));
    await expect(refused).rejects.toThrow(/overwrites an object .* \(If-None-Match: \* on PutObject\)/);
  });

  describe("who takes the risk knowingly", () => {
    test("is warned, and writes", async () => {
      const bucket = await newBucket(server);
      const lines: string[] = [];
      const store = storeAt({ server, bucket, rest: "models?conditions=weak", lines });
      expect((await store.create("a", bytes("x"))).state).toBe("created");
      expect(lines.join("\n")).toMatch(/digest of bodies md5; etags unquoted; removal by tombstone/);
      expect(lines.join("\n")).toMatch(/does not keep a store of models safely: it overwrites/);
    });

    modelStoreContract(async () => {
      const bucket = await newBucket(server);
      const open = () => storeAt({ server, bucket, rest: "models?conditions=weak" });
      return { store: open(), again: open };
    });
  });
});
