import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const run = promisify(execFile);
const SOURCE = join(import.meta.dirname, "../../actions/shared/local/folder-store.ts");

/** A process that creates, replaces and removes is killed at these of its touches of the disk. */
export function folderStoreKills(choose: (points: number) => readonly number[]): void {
  test("each key is as it was or as it was to be, and the same acts can be done again", async () => {
    const { folder: counted } = await prepared();
    const countFile = join(await temporaryFolder(), "count");
    expect(await runKilled(counted, { ML_RELEASE_TEST_KILL_COUNT: countFile })).toBeUndefined();
    const points = Number(readFileSync(countFile, "utf8"));
    expect(points).toBeGreaterThan(30);
    for (const point of choose(points)) {
      const { folder, store } = await prepared();
      expect(await runKilled(folder, { ML_RELEASE_TEST_KILL_AT: String(point) })).toBe("SIGKILL");
      const text = async (key: string) => {
        const entry = await store.read(key);
        return entry && new TextDecoder().decode(entry.bytes);
      };
      const seen = { model: await text("digits/files/1.0.0/model"), alias: await text(ALIAS), gone: await text(GONE) };
      // In their order: a later act has not happened before an earlier one.
      expect([
        { model: undefined, alias: "one", gone: "here" },
        { model: MODEL, alias: "one", gone: "here" },
        { model: MODEL, alias: "two", gone: "here" },
        { model: MODEL, alias: "two", gone: undefined },
      ]).toContainEqual(seen);
      expect(await runKilled(folder, {})).toBeUndefined();
      expect(await text(ALIAS)).toBe("two");
    }
  });
}

const ALIAS = "digits/aliases/champion.json";
const GONE = "digits/gone";
const MODEL = "m".repeat(100);

const program = (folder: string) => `
  const { folderStore } = await import(${JSON.stringify(SOURCE)});
  const store = folderStore(${JSON.stringify(folder)});
  const encode = (text) => new TextEncoder().encode(text);
  await store.create("digits/files/1.0.0/model", encode("${MODEL}"));
  const alias = await store.read("${ALIAS}");
  await store.replace("${ALIAS}", alias.etag, encode("two"));
  const gone = await store.read("${GONE}");
  if (gone) await store.remove("${GONE}", gone.etag);`;

async function prepared() {
  const folder = await temporaryFolder();
  const store = folderStore(folder);
  await store.create(ALIAS, new TextEncoder().encode("one"));
  await store.create(GONE, new TextEncoder().encode("here"));
  return { folder, store };
}

/** The signal that ended the program. */
async function runKilled(folder: string, env: Readonly<Record<string, string>>): Promise<string | undefined> {
  const killer = join(import.meta.dirname, "../support/kill-at.ts");
  const args = ["--import", killer, "--input-type=module", "-e", program(folder)];
  return run(process.execPath, args, { env: { ...process.env, ...env } }).then(
    () => undefined,
    (error: { readonly signal?: string }) => error.signal,
  );
}
