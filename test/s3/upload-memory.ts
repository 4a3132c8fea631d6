import { execFile } from "node:child_process";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { bundled } from "../support/bundled.ts";
import { envOf, newBucket, type S3Server } from "../support/s3-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const PEAK_MEMORY = join(import.meta.dirname, "../support/peak-memory.ts");

/** A file of so many bytes, which takes no room on the disk, goes into a bucket. */
export function uploadMemory(serverOf: () => S3Server, size: number): void {
  test(`a file of ${size / 1024 ** 2} MiB goes up with less than 150 MB of memory`, { timeout: 600_000 }, async () => {
    const folder = await temporaryFolder();
    const [model, peak] = [join(folder, "weights.bin"), join(folder, "peak")];
    writeFileSync(model, "");
    truncateSync(model, size);
    const address = `s3://${await newBucket(serverOf())}/models`;
    const env = { ...envOf(serverOf()), ML_RELEASE_TEST_PEAK: peak };
    const program = bundled("test/s3/upload-program.ts", folder);
    await promisify(execFile)(process.execPath, ["--import", PEAK_MEMORY, program, address, model], { env });
    expect(Number(readFileSync(peak, "utf8"))).toBeLessThan(150e6);
  });
}
