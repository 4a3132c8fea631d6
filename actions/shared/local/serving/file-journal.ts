import { type JournalEntry, JournalEntrySchema } from "../../domain/rollout/journal-entry.ts";
import { decode } from "../../lib/decode.ts";
import { ReleaseError } from "../../lib/error.ts";
import { actsInTurn } from "../../lib/in-turn.ts";
import type { Journal } from "../../ports/journal.ts";
import type { ModelStore } from "../../ports/model-store.ts";

const KEY = "journal.json";

/** A journal in a file beside the target, replaced by compare-and-swap. */
export function fileJournal(store: ModelStore): Journal {
  let etag: string | undefined;
  const inTurn = actsInTurn();

  return {
    read: () =>
      inTurn(async () => {
        const entry = await store.read(KEY);
        etag = entry?.etag;
        if (entry === undefined) return undefined;
        return decode(JournalEntrySchema, JSON.parse(new TextDecoder().decode(entry.bytes)), KEY) as JournalEntry;
      }),

    write: (entry) => inTurn(() => write(entry)),
  };

  async function write(entry: JournalEntry): Promise<void> {
    const bytes = new TextEncoder().encode(`${JSON.stringify(entry)}\n`);
    const written = etag === undefined ? await store.create(KEY, bytes) : await store.replace(KEY, etag, bytes);
    if (written.state === "exists" || written.state === "changed")
      throw new ReleaseError("CONFLICT", {
        rule: "the journal of the target was written by somebody else",
        where: { file: `${store.uri}/${KEY}` },
        hint: "this rollout changes nothing more; `mode: status` shows what stands there now",
      });
    etag = written.etag;
  }
}
