import { readPodLog } from "./logs.ts";
import type { PodLog } from "./marker.ts";
import { type ServerAddress, serverFinder } from "./server.ts";

/** What pods printed, for who looks for metrics there. */
export function kfpPodLog(options: ServerAddress): PodLog {
  const { find } = serverFinder(options);
  return async (runId, pod) => readPodLog(await find(), runId, pod);
}
