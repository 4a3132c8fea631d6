const DURATION_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE_BYTES = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
} as const;

/** `90s`, `15m`, `6h`, `1h30m`, `250ms` in milliseconds; undefined where it is none. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * DURATION_MS[unit as keyof typeof DURATION_MS];
  }
  return total;
}

/** Milliseconds as people write them: `250ms`, `38s`, `14m`, `2m5s`, `6h30m`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 10_000 && ms % 1_000 >= 50) return `${(ms / 1_000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1_000);
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor((seconds % 3_600) / 60);
  const rest = seconds % 60;
  return (
    [hours > 0 ? `${hours}h` : "", minutes > 0 ? `${minutes}m` : "", rest > 0 && hours === 0 ? `${rest}s` : ""].join(
      "",
    ) || "0s"
  );
}

/** `64MiB`, `1.5GB`, `100B`, `100` in bytes; undefined where it is none. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(B|[KMGT]iB|[kMGT]B)?$/.exec(text);
  if (!match) return undefined;
  return Math.round(Number(match[1]) * SIZE_BYTES[(match[2] ?? "B") as keyof typeof SIZE_BYTES]);
}

/** Bytes in binary units with three digits: `64 MiB`, `1.43 GiB`. */
export function formatSize(bytes: number): string {
  const unit = (["TiB", "GiB", "MiB", "KiB"] as const).find((name) => bytes >= SIZE_BYTES[name]);
  if (unit === undefined) return `${bytes} B`;
  return `${Number((bytes / SIZE_BYTES[unit]).toPrecision(3))} ${unit}`;
}

/** `5%` or `0.05` as a fraction; undefined where it is none. */
export function parseFraction(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text);
  if (!match) return undefined;
  return match[2] === "%" ? Number(match[1]) / 100 : Number(match[1]);
}

/** A fraction as a percentage with at most three digits: `5 %`, `0.25 %`. */
export function formatPercent(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(3))} %`;
}

/** `1 file`, `3 files`. */
export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
