import { describe, expect, test } from "vitest";
import type { VersionRecord } from "../../../../actions/shared/domain/model-version.ts";
import { isReleaseError } from "../../../../actions/shared/lib/error.ts";
import { sha256 } from "../../../../actions/shared/lib/hash.ts";
import { keepBeside } from "../../../../actions/shared/lib/model-registry/beside.ts";
import { claimPlace, findClaim, putClaim } from "../../../../actions/shared/lib/model-registry/claims.ts";
import { createVersion, findVersion } from "../../../../actions/shared/lib/model-registry/versions.ts";
import { collectGarbage } from "../../../../actions/shared/lib/registry-queries/collect-garbage.ts";
import { findGarbage } from "../../../../actions/shared/lib/registry-queries/find-garbage.ts";
import { storeTimeMs } from "../../../../actions/shared/lib/registry-queries/store-time.ts";
import { storeModel } from "../../../../actions/shared/lib/store-model.ts";
import type { ModelStore } from "../../../../actions/shared/ports/model-store.ts";
import type { SourceFile } from "../../../../actions/shared/ports/source-file.ts";
import { memoryStore } from "../../../support/memory-store.ts";
import { type Random, seeded } from "../../../support/random.ts";
import { versionRecord } from "../../../support/version-record.ts";

const DAY = 86_400_000;
const HOUR = 3_600_000;
const OLDER_THAN = 7 * DAY;

/** A store whose clock is moved by hand. */
function agingStore() {
  let nowMs = 1_000 * DAY;
  const store = memoryStore(() => nowMs);
  return { store, now: () => nowMs, pass: (ms: number) => (nowMs += ms) };
}

const keysOf = async (store: ModelStore, prefix = "") =>
  (await Array.fromAsync(store.list(prefix), ({ key }) => key)).filter((key) => key !== "gc/clock.json");

async function collect(store: ModelStore, name?: string) {
  const nowMs = await storeTimeMs(store);
  const found = await findGarbage(store, { name, olderThanMs: OLDER_THAN, nowMs });
  const { signal } = new AbortController();
  return collectGarbage(store, found, {
    olderThanMs: OLDER_THAN,
    nowMs,
    clock: { now: () => 0 },
    signal,
    onRemoved: () => {},
  });
}

function fileOf(path: string, text: string): SourceFile {
  const bytes = new TextEncoder().encode(text);
  return {
    path,
    source: path,
    size: bytes.length,
    read: async function* () {
      yield bytes;
    },
    open: (act) => act({ size: bytes.length, read: async (at, length) => bytes.subarray(at, at + length) }),
  };
}

type Registration = { readonly version?: string; readonly text?: string; readonly until?: "files" | "card" | "record" };

/** What register-model does in the store, or begins to do. */
async function register(
  store: ModelStore,
  { version = "1.0.0", text = "weights", until = "record" }: Registration = {},
) {
  const { signal } = new AbortController();
  await claimPlace(store, "digits", version);
  const files = [fileOf("model.onnx", text), fileOf("labels.txt", "0 1")];
  const { folder, digest, files: stored } = await storeModel(store, { name: "digits", place: version, files, signal });
  if (until === "files") return undefined;
  const bytes = new TextEncoder().encode(`card of ${text}`);
  const card = await keepBeside(store, {
    name: "digits",
    version,
    kind: "cards",
    file: "MODEL_CARD.md",
    bytes,
    identity: sha256(bytes),
    isSame: (there) => sha256(there) === sha256(bytes),
  });
  if (until === "card") return undefined;
  const record = versionRecord({ version, folder, digest, files: stored, card });
  await createVersion(store, record);
  return record;
}

async function isWhole(store: ModelStore, { folder, files, card }: VersionRecord): Promise<boolean> {
  const keys = [...files.map(({ path }) => `${folder}/${path}`), card?.key ?? ""];
  const read = await Promise.all(keys.map((key) => store.read(key)));
  return read.every((entry) => entry !== undefined);
}

describe("gc", () => {
  test("removes what an attempt left that was cut short, and leaves every version whole", async () => {
    const { store, pass } = agingStore();
    const record = await register(store, { version: "1.0.0" });
    const kept = (await keysOf(store)).filter((key) => !key.includes("/claims/"));
    await register(store, { version: "2.0.0", until: "card" });
    await register(store, { version: "1.0.0", text: "wei9hts", until: "files" });
    pass(8 * DAY);
    const { removed, left } = await collect(store);
    expect(removed.map(({ path }) => path.replace(/~[0-9a-f]{12}$/, "~own")).sort()).toEqual([
      "digits/cards/2.0.0",
      "digits/claims/1.0.0.json",
      "digits/claims/2.0.0.json",
      "digits/files/1.0.0~own",
      "digits/files/2.0.0",
    ]);
    expect(removed.find(({ kind }) => kind === "cards")?.bytes).toBe("card of weights".length);
    expect(left).toEqual([]);
    expect(await keysOf(store)).toEqual(kept);
    expect(record && (await isWhole(store, record))).toBe(true);
  });

  test("has nothing to do the second time", async () => {
    const { store, pass } = agingStore();
    await register(store, { until: "card" });
    pass(8 * DAY);
    await collect(store);
    expect(await collect(store)).toEqual({ removed: [], left: [] });
    expect(await keysOf(store)).toEqual([]);
  });

  test("leaves what is young, and other models where one is named", async () => {
    const { store, pass } = agingStore();
    await register(store, { version: "1.0.0", until: "card" });
    pass(6 * DAY);
    const before = await keysOf(store);
    expect(await collect(store)).toEqual({ removed: [], left: [] });
    pass(2 * DAY);
    expect(await collect(store, "letters")).toEqual({ removed: [], left: [] });
    expect(await keysOf(store)).toEqual(before);
  });

  test("removes nothing at all where one record cannot be read", async () => {
    const { store, pass } = agingStore();
    await register(store, { until: "files" });
    await store.create("digits/versions/9.json", new TextEncoder().encode("{"));
    pass(8 * DAY);
    const before = await keysOf(store);
    await expect(collect(store)).rejects.toThrow("[INTEGRITY] digits/versions/9.json");
    expect(await keysOf(store)).toEqual(before);
  });

  test("leaves what a registration takes up again after it was found", async () => {
    const { store, pass } = agingStore();
    await register(store, { until: "files" });
    pass(8 * DAY);
    const nowMs = await storeTimeMs(store);
    const found = await findGarbage(store, { name: undefined, olderThanMs: OLDER_THAN, nowMs });
    const record = await register(store);
    const { signal } = new AbortController();
    const options = { olderThanMs: OLDER_THAN, nowMs, clock: { now: () => 0 }, signal, onRemoved: () => {} };
    const { removed, left } = await collectGarbage(store, found, options);
    expect(removed).toEqual([]);
    expect(new Set(left.map(({ why }) => why))).toEqual(new Set(["claimed"]));
    expect(record && (await isWhole(store, record))).toBe(true);
  });

  test("leaves what a version was registered with after it was found, claimed or not", async () => {
    const { store, pass } = agingStore();
    await register(store, { until: "card" });
    pass(8 * DAY);
    const nowMs = await storeTimeMs(store);
    const found = await findGarbage(store, { name: undefined, olderThanMs: OLDER_THAN, nowMs });
    await createVersion(store, versionRecord({ folder: "digits/files/1.0.0" }));
    const { signal } = new AbortController();
    const options = { olderThanMs: OLDER_THAN, nowMs, clock: { now: () => 0 }, signal, onRemoved: () => {} };
    const { removed, left } = await collectGarbage(store, found, options);
    expect(removed.map(({ path }) => path)).toEqual(["digits/cards/1.0.0", "digits/claims/1.0.0.json"]);
    expect(left.map(({ path, why }) => [path, why])).toEqual([["digits/files/1.0.0", "named"]]);
  });

  test("that was killed keeps registrations out for an hour, then is finished by the next one", async () => {
    const { store, pass } = agingStore();
    await register(store, { until: "files" });
    pass(8 * DAY);
    const held = await findClaim(store, "digits", "1.0.0");
    await putClaim(store, { name: "digits", place: "1.0.0", state: "removing", held });
    await expect(register(store)).rejects.toThrow(
      "[CONFLICT] what an earlier attempt left of this version is being removed",
    );
    expect((await collect(store)).removed).toEqual([]);
    pass(HOUR + 1);
    expect((await collect(store)).removed.map(({ path }) => path)).toContain("digits/files/1.0.0");
    await register(store);
    expect(await findVersion(store, "digits", "1.0.0")).toBeDefined();
  });
});

/** Lets one act of the store happen at a time, the next one drawn by chance. */
function scheduler({ int }: Random) {
  const waiting: (() => void)[] = [];
  const turn = () => new Promise<void>((resolve) => waiting.push(resolve));
  const inTurn =
    <A extends readonly unknown[], R>(act: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      turn().then(() => act(...args));
  const through = (store: ModelStore): ModelStore => ({
    ...store,
    create: inTurn(store.create),
    read: inTurn(store.read),
    open: inTurn(store.open),
    replace: inTurn(store.replace),
    remove: inTurn(store.remove),
    clear: inTurn(store.clear),
    async *list(prefix) {
      await turn();
      yield* store.list(prefix);
    },
  });
  const runAll = async (acts: readonly Promise<unknown>[]) => {
    let open = acts.length;
    for (const act of acts) act.catch(() => undefined).finally(() => (open -= 1));
    while (open > 0) {
      for (let i = 0; i < 20; i++) await Promise.resolve();
      if (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
      else waiting.splice(int(0, waiting.length - 1), 1)[0]?.();
    }
  };
  return { through, runAll };
}

test("however gc, another gc and a registration are interleaved, a version that is registered is whole", async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 400; seed++) {
    const { store, pass } = agingStore();
    await register(store, { until: seed % 3 === 0 ? "files" : "card", text: seed % 5 === 0 ? "wei9hts" : "weights" });
    pass(8 * DAY);
    const { through, runAll } = scheduler(seeded(seed));
    const registering = register(through(store)).then(
      (record) => record,
      (error: unknown) => {
        if (!isReleaseError(error, "CONFLICT")) throw error;
        return undefined;
      },
    );
    const acts = [registering, collect(through(store)), collect(through(store))];
    await runAll(acts);
    await Promise.all(acts);
    const record = await findVersion(store, "digits", "1.0.0");
    expect(record === undefined || (await isWhole(store, record)), `seed ${seed}`).toBe(true);
    outcomes.add(record === undefined ? "refused" : "registered");
    // Whoever was refused gets through afterwards.
    const again = await register(store);
    expect(again && (await isWhole(store, again)), `seed ${seed}`).toBe(true);
  }
  expect(outcomes).toEqual(new Set(["refused", "registered"]));
});
