/** What Linux tells of a process. */
export type ProcessStat = {
  /** A zombie has ended as well: only its parent has not looked yet, and in a container may never look. */
  readonly hasEnded: boolean;
  readonly group: number;
  /** When it was started, in ticks since boot: tells it from a later one with its number. */
  readonly startTicks: string;
};

/** The text of `/proc/<pid>/stat`: number (name) state parent group …, the start as its 22nd field. */
export function parseProcessStat(text: string): ProcessStat {
  // The name may hold anything, brackets and blanks too.
  const [state = "", , group = "", ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { hasEnded: state === "Z" || state === "X", group: Number(group), startTicks: rest[16] ?? "" };
}
