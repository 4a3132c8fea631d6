import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { bundled } from "../support/bundled.ts";
import { PEAK_MEMORY } from "../support/peak-memory.ts";
import { envOf, newBucket, type S3Server } from "../support/s3-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Files of these sizes, which take no room on the disk, go into a bucket. */
export function uploadMemory(serverOf: () => S3Server, what: string, sizes: readonly number[]): void {
  test(`${what} goes up with less than 150 MB of memory`, { timeout: 600_000 }, async () => {
    const folder = await temporaryFolder();
    const [model, peak] = [join(folder, "model"), join(folder, "peak")];
    mkdirSync(model);
    for (const [index, size] of sizes.entries()) {
      writeFileSync(join(model, `weights-${index}.bin`), "");
      truncateSync(join(model, `weights-${index}.bin`), size);
    }
    const address = `s3://${await newBucket(serverOf())}/models`;
    const env = { ...envOf(serverOf()), ML_RELEASE_TEST_PEAK: peak };
    const program = bundled("test/s3/upload-program.ts", folder);
    await promisify(execFile)(process.execPath, ["--import", PEAK_MEMORY, program, address, model], { env });
    expect(Number(readFileSync(peak, "utf8"))).toBeLessThan(150e6);
  });
}

/** From some KiB to 25 MiB, in no order. */
export const ALL_SIZES = Array.from({ length: 120 }, (_, index) => Math.round(4_096 * 1.075 ** ((index * 47) % 120)));
