import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { claimPlace } from "../../actions/shared/lib/model-registry/claims.ts";
import { collectGarbage } from "../../actions/shared/lib/registry-queries/collect-garbage.ts";
import { findGarbage } from "../../actions/shared/lib/registry-queries/find-garbage.ts";
import { storeTimeMs } from "../../actions/shared/lib/registry-queries/store-time.ts";
import { registered } from "../support/registry.ts";
import { newBucket, type S3Server, storeAt } from "../support/s3-server.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";

const program = await versitygw();

/** Nobody can date back what a server has written: what is older than this is old. */
const OLDER_THAN_MS = 8_000;

describe.skipIf(program === undefined)("gc on versitygw", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "" });
  });
  afterAll(() => server.stop());

  test.concurrent.each(["no versions", "versions"] as const)(
    "removes what a killed job left in a bucket with %s",
    async (versioning) => {
      const store = storeAt({ server, bucket: await newBucket(server, versioning) });
      const record = await registered(store);
      await claimPlace(store, "digits", "2.0.0");
      await store.create("digits/files/2.0.0/deep/model.onnx", new Uint8Array(10));
      await store.create("digits/files/2.0.0~files.json", new Uint8Array(2));
      await store.create("digits/cards/2.0.0/MODEL_CARD.md", new Uint8Array(3));
      await sleep(OLDER_THAN_MS + 2_000);
      await claimPlace(store, "digits", "3.0.0");
      await store.create("digits/files/3.0.0/model.onnx", new Uint8Array(10));

      const nowMs = await storeTimeMs(store);
      const found = await findGarbage(store, { name: undefined, olderThanMs: OLDER_THAN_MS, nowMs });
      const { signal } = new AbortController();
      const options = { olderThanMs: OLDER_THAN_MS, nowMs, clock: { now: () => 0 }, signal, onRemoved: () => {} };
      const { removed, left } = await collectGarbage(store, found, options);

      expect(removed.map(({ path }) => path).sort()).toEqual([
        "digits/cards/2.0.0",
        "digits/claims/2.0.0.json",
        "digits/files/2.0.0",
      ]);
      expect(left).toEqual([]);
      expect(await Array.fromAsync(store.list("digits/"), ({ key }) => key)).toEqual([
        "digits/claims/3.0.0.json",
        "digits/files/1.0.0/model.onnx",
        "digits/files/3.0.0/model.onnx",
        "digits/log/00000000000000000001.json",
        "digits/versions/1.0.0.json",
      ]);
      expect(await store.read(`${record.folder}/model.onnx`)).toBeDefined();
    },
  );
});
