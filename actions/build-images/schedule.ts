/** Something to be done for a name, once everything that it needs is done. */
export type Work<T> = {
  readonly needs: ReadonlyMap<string, readonly string[]>;
  readonly limit: number;
  readonly signal: AbortSignal;
  /** Its signal is aborted when other work has failed. */
  run(name: string, done: ReadonlyMap<string, T>, signal: AbortSignal): Promise<T>;
};

/**
 * Runs as much as may run at once. After a failure nothing new is started and what runs is stopped; when all of it has ended, the first
 * failure is thrown.
 */
export async function runByNeeds<T>({ needs, limit, signal, run }: Work<T>): Promise<ReadonlyMap<string, T>> {
  const done = new Map<string, T>();
  const waiting = new Set(needs.keys());
  const running = new Map<string, Promise<void>>();
  const failed = new AbortController();
  const failures: unknown[] = [];
  const stop = AbortSignal.any([signal, failed.signal]);
  while (waiting.size > 0 || running.size > 0) {
    const ready = [...waiting].filter((name) => (needs.get(name) ?? []).every((other) => done.has(other)));
    for (const name of stop.aborted ? [] : ready.slice(0, limit - running.size)) {
      waiting.delete(name);
      running.set(name, start(name));
    }
    if (running.size === 0) break;
    await Promise.race(running.values());
  }
  signal.throwIfAborted();
  if (failures.length > 0) throw failures[0];
  return done;

  async function start(name: string): Promise<void> {
    try {
      done.set(name, await run(name, done, stop));
    } catch (error) {
      failures.push(error);
      failed.abort(error);
    } finally {
      running.delete(name);
    }
  }
}
