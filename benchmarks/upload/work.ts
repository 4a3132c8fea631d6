import { randomFillSync } from "node:crypto";
import { closeSync, mkdirSync, openSync, utimesSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Work } from "./table.ts";

export function largeFile(folder: string): Work {
  const path = join(folder, "model.bin");
  const bytes = 1024 ** 3;
  fill(path, bytes);
  return { name: "one file of 1 GiB", path, files: 1, bytes };
}

export function smallFiles(folder: string): Work {
  const path = join(folder, "small");
  mkdirSync(path);
  const [files, size] = [2_000, 256 * 1024];
  for (let index = 0; index < files; index++) fill(join(path, `shard-${index}.bin`), size);
  return { name: "2,000 files of 256 KiB", path, files, bytes: files * size };
}

/** Bytes that cannot be compressed; written an hour ago, as a model that comes out of a cache or an artifact. */
function fill(path: string, bytes: number): void {
  const piece = Buffer.alloc(Math.min(bytes, 64 * 1024 ** 2));
  const file = openSync(path, "w");
  for (let at = 0; at < bytes; at += piece.length) writeSync(file, randomFillSync(piece));
  closeSync(file);
  const time = Date.now() / 1_000 - 3_600;
  utimesSync(path, time, time);
}
