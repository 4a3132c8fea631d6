import type { Garbage, Leftover } from "../domain/garbage.ts";
import { formatCount, formatDuration, formatSize } from "../domain/quantity.ts";
import { code, type Report, type Section, type Text, text } from "../domain/report.ts";

/** Why something was left although it was found; as `collect-garbage` tells it. */
type Left = Leftover & { readonly why: "claimed" | "being-removed" | "named" | "late" };

const WHY: Readonly<Record<Left["why"], string>> = {
  claimed: "a registration began to use it",
  "being-removed": "another gc is at work on it",
  named: "a version was registered with it",
  late: "the time for it was over: run it again",
};

/** Where a name was given of which there is nothing. */
export function unknownReport(model: string, store: string): Report {
  return {
    tone: "neutral",
    headline: text`Nothing of ${code(model)} lies in ${code(store)}`,
    lead: [text`Nothing was removed: check the name and the store.`],
    sections: [],
    findings: [],
  };
}

/** What would be removed. */
export function foundReport({ removable, young }: Garbage, olderThanMs: number): Report {
  const shown = removable.filter(isFolder);
  return {
    tone: "neutral",
    headline:
      shown.length === 0
        ? text`Nothing is left over that is older than ${age(olderThanMs)}`
        : text`${sum(shown)} could be removed: no version's record has a use for that`,
    lead: [
      ...youngLead(young),
      ...(shown.length === 0 ? [] : [text`Nothing was changed: ${code("--apply")} removes it.`]),
    ],
    sections: [...table("Left over", shown)],
    findings: [],
  };
}

/** What was removed. */
export function removedReport(
  { removed, left }: { readonly removed: readonly Leftover[]; readonly left: readonly Left[] },
  young: readonly Leftover[],
): Report {
  const shown = removed.filter(isFolder);
  const kept = left.filter(isFolder);
  return {
    tone: "good",
    headline: shown.length === 0 ? text`Nothing was removed` : text`Removed ${sum(shown)}`,
    lead: youngLead(young),
    sections: [
      ...table("Removed", shown),
      ...(kept.length === 0
        ? []
        : [
            {
              title: "Left",
              priority: 1,
              blocks: [{ kind: "list", items: kept.map(({ path, why }) => text`${code(path)}: ${WHY[why]}`) } as const],
            },
          ]),
    ],
    findings: [],
  };
}

/** Old claims go along, unseen: nobody would miss them. */
function isFolder({ kind }: Leftover): boolean {
  return kind !== "claims";
}

function youngLead(young: readonly Leftover[]): readonly Text[] {
  if (young.length === 0) return [];
  return [text`Left, since it is younger or in use by a registration that may go on: ${sum(young)}.`];
}

/** `3 folders (12 files, 1.2 GiB)` */
function sum(leftovers: readonly Leftover[]): string {
  const keys = leftovers.reduce((total, one) => total + one.keys, 0);
  const bytes = leftovers.reduce((total, one) => total + one.bytes, 0);
  return `${formatCount(leftovers.length, "folder")} (${formatCount(keys, "file")}, ${formatSize(bytes)})`;
}

function table(title: string, leftovers: readonly Leftover[]): readonly Section[] {
  if (leftovers.length === 0) return [];
  const columns = [
    { title: "folder" },
    { title: "files", align: "right" },
    { title: "size", align: "right" },
    { title: "last written" },
  ] as const;
  const rows = leftovers.map(({ path, keys, bytes, writtenMs }) => [
    code(path),
    String(keys),
    formatSize(bytes),
    new Date(writtenMs).toISOString().slice(0, 10),
  ]);
  return [{ title, priority: 1, blocks: [{ kind: "table", columns, rows }] }];
}

function age(ms: number): string {
  const days = ms / 86_400_000;
  return Number.isInteger(days) ? formatCount(days, "day") : formatDuration(ms);
}
