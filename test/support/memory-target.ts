import { NO_COUNTS } from "../../actions/shared/domain/rollout/counts.ts";
import type { JournalEntry, ServedModel } from "../../actions/shared/domain/rollout/journal-entry.ts";
import { ReleaseError } from "../../actions/shared/lib/error.ts";
import type { Arm, Served, Serving } from "../../actions/shared/ports/serving.ts";
import type { Target } from "../../actions/shared/ports/target.ts";

/** What serves at a target that is gone with the process. */
export type MemoryServing = { readonly stable?: ServedModel; readonly candidate?: ServedModel; readonly share: number };

export type MemoryTarget = {
  readonly target: Target;
  /** After each change: what served, and what the journal allowed then. */
  readonly past: readonly { readonly serving: MemoryServing; readonly entry: JournalEntry | undefined }[];
  serving(): MemoryServing;
  entry(): JournalEntry | undefined;
  isHeld(): boolean;
};

type Options = {
  readonly serving: MemoryServing;
  readonly entry: JournalEntry | undefined;
  /** Whoever writes for the n-th time, from 1, dies: before the change, or after it and before the answer. */
  readonly killAt?: { readonly write: number; readonly when: "before" | "after" } | undefined;
};

/** The process is gone: no error of the project, so that nobody takes it for one. */
export class Killed extends Error {}

/** Serving, lease and journal as their contracts say, on plain values. */
export function memoryTarget({ serving, entry, killAt }: Options): MemoryTarget {
  let now = serving;
  let journal = entry;
  let known: JournalEntry | undefined;
  let held = false;
  let writes = 0;
  const past: { readonly serving: MemoryServing; readonly entry: JournalEntry | undefined }[] = [
    { serving: now, entry: journal },
  ];

  function write(change: () => void): void {
    writes += 1;
    const dies = killAt?.write === writes;
    if (dies && killAt.when === "before") throw new Killed();
    change();
    past.push({ serving: now, entry: journal });
    if (dies) throw new Killed();
  }

  const set = (next: MemoryServing): void =>
    write(() => {
      now = next;
    });
  const hold = (isHeld: boolean): void =>
    write(() => {
      held = isHeld;
    });
  const ports: Serving = {
    check: async () => [],
    preview: async () => ({ changes: [], notes: [] }),
    current: async () => ({
      ...(now.stable === undefined ? {} : { stable: servedOf(now.stable) }),
      ...(now.candidate === undefined ? {} : { candidate: servedOf(now.candidate) }),
      share: now.share,
      isKept: true,
    }),
    apply: async (arm: Arm, model) => {
      if (now[arm]?.digest !== model.digest)
        set({ ...now, [arm]: model, ...(arm === "candidate" ? { share: 0 } : {}) });
      return servedOf(model);
    },
    split: async (share) => set({ ...now, share }),
    promote: async () => {
      const { candidate } = now;
      if (candidate !== undefined) set({ stable: candidate, share: 0 });
    },
    remove: async () => {
      if (now.candidate === undefined) return;
      set({ ...now, share: 0 });
      const { candidate: _, ...rest } = now;
      set(rest);
    },
    settle: async () => {},
  };
  const target: Target = {
    address: "memory",
    serving: ports,
    lease: {
      take: async () => {
        if (held) return { state: "held", by: { holder: "another", sinceMs: 0, untilMs: 1 } };
        hold(true);
        return { state: "taken" };
      },
      renew: async () => {},
      release: async () => hold(false),
      holder: async () => undefined,
    },
    journal: {
      read: async () => {
        known = journal;
        return journal;
      },
      write: async (next) => {
        if (known !== journal) throw new ReleaseError("CONFLICT", { rule: "somebody else has written the journal" });
        write(() => {
          journal = next;
        });
        known = next;
      },
    },
    traffic: () => ({
      start: () => {},
      counts: async () => NO_COUNTS,
      differing: () => [],
      stop: async () => {},
    }),
  };
  return { target, past, serving: () => now, entry: () => journal, isHeld: () => held };
}

function servedOf(model: ServedModel): Served {
  return {
    model,
    runs: { as: "pods", kind: "Deployment digits", ready: 1, wanted: 1 },
    ask: async () => ({ status: 200, text: "{}", ms: 1 }),
  };
}
