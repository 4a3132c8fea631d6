import { execFile } from "node:child_process";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { buildSync } from "esbuild";
import { expect, test } from "vitest";
import { envOf, newBucket, type S3Server } from "../support/s3-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const PEAK_MEMORY = join(import.meta.dirname, "../support/peak-memory.ts");

/** A file of so many bytes, which takes no room on the disk, goes into a bucket. */
export function uploadMemory(serverOf: () => S3Server, size: number): void {
  test(`a file of ${size / 1024 ** 2} MiB goes up with less than 150 MB of memory`, async () => {
    const folder = await temporaryFolder();
    const [model, peak] = [join(folder, "weights.bin"), join(folder, "peak")];
    writeFileSync(model, "");
    truncateSync(model, size);
    const address = `s3://${await newBucket(serverOf())}/models`;
    const env = { ...envOf(serverOf()), ML_RELEASE_TEST_PEAK: peak };
    await promisify(execFile)(process.execPath, ["--import", PEAK_MEMORY, bundled(folder), address, model], { env });
    expect(Number(readFileSync(peak, "utf8"))).toBeLessThan(150e6);
  });
}

/** As actions are: sources take more memory than a bundle. */
function bundled(folder: string): string {
  const outfile = join(folder, "program.mjs");
  buildSync({
    entryPoints: [join(import.meta.dirname, "upload-program.ts")],
    outfile,
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  return outfile;
}
