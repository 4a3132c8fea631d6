/** Loaded before a program (`node --import`): writes its greatest memory in bytes to the file `ML_RELEASE_TEST_PEAK` when it ends. */
import { readFileSync, writeFileSync } from "node:fs";

process.once("exit", () => {
  const file = process.env.ML_RELEASE_TEST_PEAK;
  if (file !== undefined) writeFileSync(file, String(peakBytes()));
});

/** Of this program alone: what `resourceUsage` tells on Linux may be the memory of the process that started it, at that moment. */
function peakBytes(): number {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024;
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(kib) * 1024;
}
