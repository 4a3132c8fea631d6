import { formatDuration, formatPercent, formatSize } from "../domain/quantity.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";

/** Hears of bytes on their way; fewer than none where some have to go again. */
export type Progress = { add(bytes: number): void };

export type Transfer = {
  /** All bytes that there are to send. */
  readonly total: number;
  readonly clock: Pick<Clock, "now">;
  readonly log: Pick<Log, "info">;
};

/** Not more often than this. */
const LINE_MS = 10_000;

/** Says every ten seconds how far a transfer is, how fast it went since the last line, and when it ends at that speed. */
export function transferProgress({ total, clock, log }: Transfer): Progress {
  let done = 0;
  let last = { ms: clock.now(), done };
  return {
    add(bytes) {
      done += bytes;
      const ms = clock.now();
      if (ms - last.ms < LINE_MS || done >= total) return;
      log.info(formatProgress({ done, total, bytesPerMs: (done - last.done) / (ms - last.ms) }));
      last = { ms, done };
    },
  };
}

export function formatProgress({
  done,
  total,
  bytesPerMs,
}: {
  readonly done: number;
  readonly total: number;
  readonly bytesPerMs: number;
}): string {
  const share = formatPercent(Math.floor((100 * done) / total) / 100);
  const way = `Copied ${formatSize(done)} of ${formatSize(total)} (${share})`;
  if (bytesPerMs <= 0) return `${way}.`;
  const rate = Number((bytesPerMs / 1_000).toPrecision(3));
  return `${way} at ${rate} MB/s, ${formatDuration(Math.ceil((total - done) / bytesPerMs / 1_000) * 1_000)} left.`;
}
