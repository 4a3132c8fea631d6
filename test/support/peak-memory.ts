/** Loaded before a program (`node --import`): writes its greatest memory in bytes to the file `ML_RELEASE_TEST_PEAK` when it ends. */
import { writeFileSync } from "node:fs";

process.once("exit", () => {
  const file = process.env.ML_RELEASE_TEST_PEAK;
  if (file !== undefined) writeFileSync(file, String(process.resourceUsage().maxRSS * 1024));
});
