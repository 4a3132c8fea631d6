import type { Reign } from "./catalog.ts";

/** From a moment to another one, which is no part of it; or one moment. */
export type Span = { readonly fromMs: number; readonly untilMs: number };

const DAY_MS = 86_400_000;

/** A day of UTC (`2026-11-01`), or the moment that an RFC 3339 time names; undefined for what is neither. */
export function spanOf(on: string): Span | undefined {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(on);
  const fromMs = Date.parse(isDay ? `${on}T00:00:00Z` : on);
  if (Number.isNaN(fromMs) || !isCalendarDay(on.slice(0, 10))) return undefined;
  return { fromMs, untilMs: fromMs + (isDay ? DAY_MS : 1) };
}

/** Who held an alias in a span of time, oldest first. One that lasted no time at all counts where it began in it. */
export function reignsDuring(
  reigns: readonly Reign[],
  { alias, fromMs, untilMs }: Span & { readonly alias: string },
): readonly Reign[] {
  return reigns
    .filter((reign) => {
      const began = Date.parse(reign.from);
      const ended = reign.until === undefined ? Number.POSITIVE_INFINITY : Date.parse(reign.until);
      return reign.alias === alias && began < untilMs && (ended > fromMs || began >= fromMs);
    })
    .toSorted((a, b) => a.move - b.move);
}

/** Date.parse takes 30 February for the first days of March. */
function isCalendarDay(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().slice(0, 10) === day;
}
