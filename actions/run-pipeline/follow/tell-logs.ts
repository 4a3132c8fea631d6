import type { TaskLog } from "../../shared/ports/pipeline-engine.ts";
import type { RunStep } from "../step.ts";

/** The end of what failed tasks printed, each in a group; nothing in it is a command. */
export async function tellLogs({ log }: RunStep, logs: readonly TaskLog[]): Promise<void> {
  for (const { task, tail } of logs) await log.group(`Last lines of ${task}`, async () => log.fenced(tail));
}
