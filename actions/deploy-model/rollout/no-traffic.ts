import { NO_COUNTS } from "../../shared/domain/rollout/counts.ts";
import type { Traffic } from "../../shared/ports/traffic.ts";

/** Of a rollout that compares nothing. */
export const noTraffic: Traffic = {
  start: () => {},
  counts: async () => NO_COUNTS,
  differing: () => [],
  stop: async () => {},
};
