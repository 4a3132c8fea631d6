import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { verifyModel } from "../../actions/shared/lib/verify-model.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { jobContext } from "../support/job-context.ts";
import { modelRelease } from "../support/model-release.ts";
import { onnxModel } from "../support/onnx.ts";
import { runAction } from "../support/run-action.ts";
import { smallDisk } from "../support/small-disk.ts";
import { streamed } from "../support/streamed.ts";

const MIB = 1024 ** 2;

test("a disk without room for the model is told before it is full, no version is left, and the next run on a larger one completes it", async ({
  skip,
}) => {
  const disk = await smallDisk(16);
  if (disk === undefined) return skip("mounting needs root");
  const job = jobContext({ tag: "v1.0.0" });
  const files = { "model.onnx": onnxModel(), "weights.bin": Buffer.alloc(10 * MIB, 7) };
  const release = await modelRelease(job, { files });
  const filler = join(disk, "filler");
  writeFileSync(filler, Buffer.alloc(8 * MIB));
  const run = async () =>
    (await runAction("register-model", { job, with: { name: "digits", release, store: disk }, post: false })).main;
  const refused = await run();
  expect(refused.code).toBe(1);
  expect(refused.stdout).toMatch(
    /::error .*\/disk: the disk of the store has no room for a file \(saw [\d.]+ MiB free; allowed: at least 10 MiB\); free some space there/,
  );
  const store = folderStore(disk);
  expect(await findVersion(store, "digits", "1.0.0")).toBeUndefined();
  expect(readdirSync(join(disk, ".store/new"))).toEqual([]);
  rmSync(filler);
  expect((await run()).code).toBe(0);
  const record = await findVersion(store, "digits", "1.0.0");
  if (record === undefined) throw new Error("no version");
  expect((await verifyModel(store, record, new AbortController().signal)).faults).toEqual([]);
});

test("a disk that others fill meanwhile is told, and nothing is left of the file", async ({ skip }) => {
  const disk = await smallDisk(16);
  if (disk === undefined) return skip("mounting needs root");
  const store = folderStore(disk);
  const body = streamed(10 * MIB, async function* () {
    yield Buffer.alloc(2 * MIB);
    writeFileSync(join(disk, "filler"), Buffer.alloc(10 * MIB));
    yield Buffer.alloc(8 * MIB);
  });
  await expect(store.create("a", body)).rejects.toThrow(/^\[STORAGE\] .* \(saw ENOSPC\); free some space there/);
  expect(await store.read("a")).toBeUndefined();
  expect(readdirSync(join(disk, ".store/new"))).toEqual([]);
});
