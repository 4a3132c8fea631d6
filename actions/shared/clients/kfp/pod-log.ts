import type { Send } from "../../lib/http.ts";
import type { Clock } from "../../ports/clock.ts";
import { readPodLog } from "./logs.ts";
import type { PodLog } from "./marker.ts";
import { findServer, type Server } from "./server.ts";

/** What pods printed, for who looks for metrics there. */
export function kfpPodLog(options: { readonly send: Send; readonly endpoint: string; readonly clock: Clock }): PodLog {
  let found: Promise<Server> | undefined;
  return async (runId, pod) => {
    found ??= findServer(options);
    return readPodLog(await found, runId, pod);
  };
}
