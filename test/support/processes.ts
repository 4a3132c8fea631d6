import { existsSync, readFileSync } from "node:fs";

export const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** The text of a file that another process is about to write; waits for half a minute at most. */
export async function fileAppears(path: string): Promise<string> {
  for (let i = 0; i < 1_200 && !existsSync(path); i++) await pause(25);
  return readFileSync(path, "utf8");
}

/** A process that ended and was not reaped yet does not run. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0] !== "Z";
  } catch {
    return false;
  }
}
