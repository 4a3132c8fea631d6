// What resourceUsage() tells on Linux may be the memory of the process that started this one, at that moment.
const PROGRAM = `
import { readFileSync, writeFileSync } from "node:fs";
const peakBytes = () => {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024;
  return /^VmHWM:\\s+(\\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))[1] * 1024;
};
process.once("exit", () => {
  if (process.env.ML_RELEASE_TEST_PEAK) writeFileSync(process.env.ML_RELEASE_TEST_PEAK, String(peakBytes()));
});
`;

/**
 * Loaded before a program (`node --import`): writes its greatest memory in bytes to the file `ML_RELEASE_TEST_PEAK` when it ends. As text,
 * since to load TypeScript takes 16 MB itself.
 */
export const PEAK_MEMORY = `data:text/javascript,${encodeURIComponent(PROGRAM)}`;
