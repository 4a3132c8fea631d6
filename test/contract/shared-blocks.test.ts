import { execFileSync } from "node:child_process";
import { readdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sha256Stream } from "../../actions/shared/lib/hash.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import type { ModelStore } from "../../actions/shared/ports/model-store.ts";
import { generatedBody } from "../support/generated-body.ts";
import { sharingDisk } from "../support/small-disk.ts";
import { type Streamed, streamed } from "../support/streamed.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const MIB = 1024 ** 2;
const SIZE = 20 * MIB;

async function* withOneByteChanged(body: Streamed, place: number) {
  let at = 0;
  for await (const chunk of body.open()) {
    if (place >= at && place < at + chunk.length) chunk[place - at] = (chunk[place - at] ?? 0) ^ 1;
    at += chunk.length;
    yield chunk;
  }
}

const usedMib = (disk: string) =>
  Number(String(execFileSync("df", ["--output=used", "--block-size=1M", disk])).split("\n")[1]);

async function wholeOf(store: ModelStore, key: string) {
  const stored = await store.open(key);
  return stored && sha256Stream(stored);
}

const original = generatedBody(SIZE);
const rows: readonly (readonly [string, Streamed, number])[] = [
  ["the same", original, SIZE],
  ["one byte of it is another", streamed(SIZE, () => withOneByteChanged(original, 9 * MIB)), SIZE - MIB],
  ["longer", generatedBody(SIZE + MIB), SIZE],
  ["shorter", generatedBody(SIZE - MIB / 2), SIZE - MIB / 2],
  ["wholly another", generatedBody(SIZE, 1), 0],
];

test.for(rows)(
  "a file that is like an earlier one shares its blocks on the disk: %s",
  async ([, body, spared], { skip }) => {
    const disk = await sharingDisk();
    if (disk === undefined) return skip("mounting needs root, and mkfs.xfs");
    const store = folderStore(join(disk, "models"));
    await store.create("m/files/1/model.bin", original);
    execFileSync("sync", ["-f", disk]);
    const before = usedMib(disk);
    const { digest } = await sha256Stream(body.open());
    const created = await store.create("m/files/2/model.bin", body, "m/files/1/model.bin");
    expect(created).toEqual({ state: "created", etag: digest, ...(spared > 0 ? { spared } : {}) });
    execFileSync("sync", ["-f", disk]);
    expect(usedMib(disk) - before).toBeLessThanOrEqual((body.size - spared) / MIB + 2);
    for (const [key, whole] of [
      ["m/files/1/model.bin", original],
      ["m/files/2/model.bin", body],
    ] as const) {
      expect(await wholeOf(store, key)).toEqual(await sha256Stream(whole.open()));
      expect(statSync(join(disk, "models", key)).nlink).toBe(1);
    }
  },
);

test("where the file system cannot, or the earlier one is no file, it is written as any other", async () => {
  const folder = await temporaryFolder();
  const store = folderStore(folder);
  await store.create("m/a", original);
  symlinkSync(join(folder, "m/a"), join(folder, "m/link"));
  for (const [key, like] of [
    ["m/b", "m/a"],
    ["m/c", "m/missing"],
    ["m/d", "m/link"],
    ["m/e", "m"],
  ] as const) {
    expect(await store.create(key, original, like)).toEqual({ state: "created", etag: expect.any(String) });
    expect(await wholeOf(store, key)).toEqual(await sha256Stream(original.open()));
  }
  expect(readdirSync(join(folder, ".store/new"))).toEqual([]);
});
