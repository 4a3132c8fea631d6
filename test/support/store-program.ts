/** One of many processes that write to a folder store at once. Arguments: folder, what to do, writer, rounds, start (ms since 1970). */
import { setTimeout as sleep } from "node:timers/promises";
import { findAlias, moveAlias } from "../../actions/shared/lib/model-registry/aliases.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";

const [folder = "", what = "", writer = "", rounds = "1", start = "0"] = process.argv.slice(2);
const store = folderStore(folder);
const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

const rows: Readonly<Record<string, (round: number) => Promise<unknown>>> = {
  create: async (round) => (await store.create(`races/${round}`, encode({ writer }))).state === "created",
  count: async () => {
    for (;;) {
      const entry = await store.read("counter.json");
      if (entry === undefined) {
        if ((await store.create("counter.json", encode({ count: 1 }))).state === "created") return true;
        continue;
      }
      const { count } = JSON.parse(new TextDecoder().decode(entry.bytes)) as { count: number };
      if ((await store.replace("counter.json", entry.etag, encode({ count: count + 1 }))).state === "replaced")
        return true;
    }
  },
  alias: async (round) => {
    const to = { version: `${writer}.${round}`, digest: `sha256:${"a".repeat(64)}` } as const;
    const act = { by: writer, at: new Date().toISOString() };
    for (let tries = 1; ; tries++) {
      const expected = (await findAlias(store, "digits", "candidate"))?.etag;
      const moved = await moveAlias(store, { name: "digits", alias: "candidate", to, expected, act });
      if (moved.state === "moved") return tries;
    }
  },
};

const act = rows[what];
if (act === undefined) throw new Error(`no such act: ${what}`);
await sleep(Math.max(0, Number(start) - Date.now()));
const results: unknown[] = [];
for (let round = 0; round < Number(rounds); round++) results.push(await act(round));
process.stdout.write(JSON.stringify(results));
