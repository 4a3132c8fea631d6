import { versitygw } from "./versitygw.ts";

// Builds what the suites on real servers of S3 need into the cache, before many of them ask for it at once.

const started = Date.now();
const program = await versitygw();
if (program === undefined)
  console.error("Go is not installed: nothing is built, and the suites on versitygw will be skipped");
else console.error(`versitygw: ${((Date.now() - started) / 1_000).toFixed(1)} s (${program})`);
