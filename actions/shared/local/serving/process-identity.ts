import { readdir, readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import * as v from "valibot";
import { isGroupAlive } from "../../lib/child-group.ts";
import { parseProcessStat } from "../../lib/process-stat.ts";

/**
 * One process of this machine and no other: a number comes back soon, but not with the same start, and not before the next boot with it.
 * So a process is never ended for another that once had its number.
 */
export const ProcessIdentitySchema = v.object({ pid: v.number(), startTicks: v.string(), bootId: v.string() });
export type ProcessIdentity = Readonly<v.InferOutput<typeof ProcessIdentitySchema>>;

/** The variable by which a process is found that was started just before its starter was killed. */
export const MARK = "ML_RELEASE_SERVER";

export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const [startTicks, bootId] = [await startOf(pid), await thisBoot()];
  return startTicks === undefined ? undefined : { pid, startTicks, bootId };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return identity.bootId === (await thisBoot()) && (await startOf(identity.pid)) === identity.startTicks;
}

/** Ends a process with its group: asks, and kills what is left after `graceMs`. */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<void> {
  if (!(await isAlive(identity))) return;
  signalGroup(identity.pid, "SIGTERM");
  const deadline = performance.now() + graceMs;
  while (isGroupAlive(identity.pid) && performance.now() < deadline) await pause(20);
  if (isGroupAlive(identity.pid)) signalGroup(identity.pid, "SIGKILL");
  while (isGroupAlive(identity.pid)) await pause(5);
}

/** The processes that were started with this mark, or by one that was. */
export async function findMarked(mark: string): Promise<readonly ProcessIdentity[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const wanted = `${MARK}=${mark}`;
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
      return environment.split("\0").includes(wanted) ? identify(pid) : undefined;
    }),
  );
  return found.filter((one) => one !== undefined);
}

/** Undefined where nothing runs under this number. */
async function startOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => undefined);
  const stat = text === undefined ? undefined : parseProcessStat(text);
  return stat === undefined || stat.hasEnded ? undefined : stat.startTicks;
}

let boot: Promise<string> | undefined;

function thisBoot(): Promise<string> {
  boot ??= readFile("/proc/sys/kernel/random/boot_id", "latin1").then((text) => text.trim());
  return boot;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, signal);
      return;
    } catch {
      // No group of that number (the process is in another one), or nobody left.
    }
  }
}
