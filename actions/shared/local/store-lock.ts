import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemCodeOf } from "../lib/error.ts";

/**
 * Runs `act` while no other process or task holds the lock of this file.
 *
 * The lock is the kernel's: SQLite, which Node carries, takes an exclusive file lock for the length of a transaction that writes nothing.
 * The kernel drops it when the process ends in any way, `kill -9` and a lost power included, so that there is no owner to be judged dead,
 * no age to wait for and nothing to clean up; and a process that is merely slow or stopped can never lose it to another.
 * The file stays empty. It must be opened by nobody else: closing it elsewhere in this process would drop the lock (POSIX).
 */
export async function withLock<T>(file: string, act: () => Promise<T>): Promise<T> {
  const { DatabaseSync } = await import("node:sqlite");
  await checkWritable(file);
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    // Polled, since a wait inside SQLite would stop this process's signal handlers.
    for (let tries = 0; !isTaken(database); tries++) await sleep(Math.min(50, 2 + tries) * (0.5 + Math.random()));
    try {
      return await act();
    } finally {
      database.exec("ROLLBACK");
    }
  } finally {
    database.close();
  }
}

/** SQLite would fall back to reading, and then an exclusive lock is none. Not by opening it, which would drop a lock of this process. */
async function checkWritable(file: string): Promise<void> {
  try {
    await access(file, constants.W_OK);
  } catch (error) {
    if (systemCodeOf(error) !== "ENOENT") throw error;
    await access(dirname(file), constants.W_OK);
  }
}

const SQLITE_BUSY = 5;

function isTaken(database: { exec(sql: string): void }): boolean {
  try {
    database.exec("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
}
