import * as v from "valibot";
import { type CounterMemory, CounterMemorySchema } from "./counter.ts";

const ArmMemorySchema = v.record(v.string(), CounterMemorySchema);

/** The raw counters of both arms at a look, for a process that goes on with the rollout. Times are the metric server's. */
export const TrafficMemorySchema = v.object({
  atMs: v.number(),
  intervalMs: v.number(),
  candidate: ArmMemorySchema,
  stable: ArmMemorySchema,
});

/** By the name of the counter. */
export type ArmMemory = Readonly<Record<string, CounterMemory>>;

export type TrafficMemory = {
  readonly atMs: number;
  readonly intervalMs: number;
  readonly candidate: ArmMemory;
  readonly stable: ArmMemory;
};

/** A journal has room for about this many series: 40 bytes each. */
const MAX_SERIES = 5_000;

/** What is kept in a journal: undefined where there is no room for it, and whoever goes on counts from where he begins. */
export function memoryToKeep(memory: TrafficMemory): TrafficMemory | undefined {
  const counters = [memory.candidate, memory.stable].flatMap((arm) => Object.values(arm));
  const series = counters.reduce((sum, counter) => sum + counter.series.length, 0);
  return series > MAX_SERIES ? undefined : memory;
}
