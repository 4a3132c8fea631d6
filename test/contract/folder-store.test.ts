import { execFile, execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import type { ModelEvent } from "../../actions/shared/domain/model-version.ts";
import { findAlias } from "../../actions/shared/lib/model-registry/aliases.ts";
import { history } from "../../actions/shared/lib/model-registry/log.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { sample, seedOfDay } from "../support/kill-points.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { folderStoreKills } from "./folder-store-kills.ts";

const run = promisify(execFile);
const SUPPORT = join(import.meta.dirname, "../support");
const bytes = (text: string) => new TextEncoder().encode(text);

describe("what the folder holds", () => {
  test("is the layout that users are told, each key a file", async () => {
    const folder = await temporaryFolder();
    await folderStore(folder).create("digits/versions/1.0.0.json", bytes("{}"));
    expect(readFileSync(join(folder, "digits/versions/1.0.0.json"), "utf8")).toBe("{}");
    expect(readdirSync(folder).toSorted()).toEqual([".store", "digits"]);
  });

  test("is made with the first write, and by no reading", async () => {
    const folder = join(await temporaryFolder(), "not/there/yet");
    const store = folderStore(folder);
    expect(await store.read("a")).toBeUndefined();
    for await (const key of store.list("")) throw new Error(`listed ${key.key}`);
    expect(() => statSync(folder)).toThrow("ENOENT");
    expect((await store.create("a", bytes("x"))).state).toBe("created");
  });

  test("keeps what killed writers left for a week, then removes it", async () => {
    const folder = await temporaryFolder();
    await folderStore(folder).create("a", bytes("x"));
    const left = (name: string, days: number) => {
      const path = join(folder, ".store/new", name);
      writeFileSync(path, "half");
      utimesSync(path, Date.now() / 1000, Date.now() / 1000 - days * 86_400);
    };
    left("old", 8);
    left("young", 6);
    await folderStore(folder).create("b", bytes("x"));
    expect(readdirSync(join(folder, ".store/new"))).toEqual(["young"]);
  });
});

describe("what is refused", () => {
  test("a symbolic link, as a value or on the way to one", async () => {
    const [folder, outside] = [await temporaryFolder(), await temporaryFolder()];
    const store = folderStore(folder);
    writeFileSync(join(outside, "secret"), "secret");
    mkdirSync(join(folder, "digits"));
    symlinkSync(outside, join(folder, "digits/files"));
    symlinkSync(join(outside, "secret"), join(folder, "digits/link"));
    const refusal = expect.objectContaining({ code: "REFUSED" });
    for (const key of ["digits/files/secret", "digits/link"]) {
      await expect(store.read(key)).rejects.toEqual(refusal);
      await expect(store.open(key)).rejects.toEqual(refusal);
      await expect(store.create(key, bytes("x"))).rejects.toEqual(refusal);
      await expect(store.replace(key, "etag", bytes("x"))).rejects.toEqual(refusal);
      await expect(store.remove(key, "etag")).rejects.toEqual(refusal);
    }
    await expect(store.create("digits/files/new", bytes("x"))).rejects.toEqual(refusal);
    expect(readdirSync(outside)).toEqual(["secret"]);
    for await (const { key } of store.list("")) throw new Error(`listed ${key}`);
  });

  test("a folder of the store that is itself reached by a link is fine", async () => {
    const real = await temporaryFolder();
    const link = join(await temporaryFolder(), "models");
    symlinkSync(real, link);
    await folderStore(link).create("a/b", bytes("x"));
    expect(readFileSync(join(real, "a/b"), "utf8")).toBe("x");
  });

  test("a key where the folder has a folder, or below a key", async () => {
    const store = folderStore(await temporaryFolder());
    await store.create("a/b", bytes("x"));
    await expect(store.create("a", bytes("x"))).rejects.toMatchObject({ code: "STORAGE" });
    await expect(store.create("a/b/c", bytes("x"))).rejects.toMatchObject({ code: "STORAGE" });
  });

  test("the store's own folder as a key", async () => {
    await expect(folderStore(await temporaryFolder()).read(".store/lock")).rejects.toMatchObject({ code: "INPUT" });
  });
});

/** Runs a few lines with `store` on the folder `argv[1]` as a process of its own; as an ordinary user where we are root. */
async function inProcess(folder: string, lines: string): Promise<string> {
  const source = join(import.meta.dirname, "../../actions/shared/local/folder-store.ts");
  const asUser = process.getuid?.() === 0 ? "process.setgid(65534); process.setuid(65534);" : "";
  const program = `
    const { folderStore } = await import(${JSON.stringify(source)}); await import("node:sqlite"); ${asUser}
    const store = folderStore(process.argv[1]);
    try { ${lines} } catch (error) { console.log(error.code + " " + error.problems?.[0]?.saw); }`;
  return (await run(process.execPath, ["--input-type=module", "-e", program, folder])).stdout.trim();
}

describe("what the disk refuses is STORAGE", () => {
  test("a store that may not be written or read", async () => {
    const folder = await temporaryFolder();
    const store = folderStore(folder);
    const created = await store.create("a/b", bytes("x"));
    const etag = created.state === "created" ? created.etag : "";
    for (const path of [folder, join(folder, "a"), join(folder, ".store"), join(folder, ".store/new")])
      chmodSync(path, 0o555);
    const file = `await store.create("a/c", new Uint8Array(1));`;
    expect(await inProcess(folder, file)).toBe("STORAGE EACCES");
    expect(await inProcess(folder, `await store.replace("a/b", "${etag}", new Uint8Array(1));`)).toBe("STORAGE EACCES");
    chmodSync(join(folder, "a/b"), 0o200);
    expect(await inProcess(folder, `await store.read("a/b");`)).toBe("STORAGE EACCES");
    for (const path of [folder, join(folder, "a"), join(folder, ".store"), join(folder, ".store/new")])
      chmodSync(path, 0o755);
  });

  test("a lock that may not be opened", async () => {
    const folder = await temporaryFolder();
    const store = folderStore(folder);
    const created = await store.create("a/b", bytes("x"));
    if (created.state === "created") await store.replace("a/b", created.etag, bytes("y"));
    for (const path of [folder, join(folder, "a"), join(folder, ".store"), join(folder, ".store/new")])
      chmodSync(path, 0o777);
    chmodSync(join(folder, ".store/lock"), 0o444);
    const act = `const { etag } = await store.read("a/b"); await store.replace("a/b", etag, new Uint8Array(1));`;
    expect(await inProcess(folder, act)).toMatch(/^STORAGE /);
  });

  test("a disk that is full", async () => {
    // A limit on the size of files stands for it: what was half written is gone, and the value is not there.
    const folder = await temporaryFolder();
    const source = join(import.meta.dirname, "../../actions/shared/local/folder-store.ts");
    const program = `
      process.on("SIGXFSZ", () => {});
      const { folderStore } = await import(${JSON.stringify(source)});
      try { await folderStore(${JSON.stringify(folder)}).create("a/b", new Uint8Array(3_000_000)); }
      catch (error) { console.log(error.code + " " + error.problems[0].saw); }`;
    const limited = `ulimit -f 1000; exec "$0" --input-type=module -e "$1"`;
    const { stdout } = await run("bash", ["-c", limited, process.execPath, program]);
    expect(stdout.trim()).toBe("STORAGE EFBIG");
    expect(readdirSync(join(folder, ".store/new"))).toEqual([]);
    expect(await folderStore(folder).read("a/b")).toBeUndefined();
  });
});

const SAMPLE = 8;
const WRITERS = 16;
const ROUNDS = 50;

/** Sixteen processes that do the same fifty times at the same moment. */
async function race(folder: string, what: string): Promise<readonly (readonly unknown[])[]> {
  const start = String(Date.now() + 2_000);
  const program = join(SUPPORT, "store-program.ts");
  return Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      const args = [program, folder, what, `w${writer}`, String(ROUNDS), start];
      return JSON.parse((await run(process.execPath, args)).stdout) as readonly unknown[];
    }),
  );
}

// On two cores under load: most of it is sixteen processes in line for one disk.
describe(`${WRITERS} processes x ${ROUNDS} rounds`, { timeout: 240_000 }, () => {
  test("one creator wins each round", async () => {
    const results = await race(await temporaryFolder(), "create");
    for (let round = 0; round < ROUNDS; round++) {
      expect(results.filter((result) => result[round] === true)).toHaveLength(1);
    }
  });

  test("no replacement is lost", async () => {
    const folder = await temporaryFolder();
    await race(folder, "count");
    expect(JSON.parse(readFileSync(join(folder, "counter.json"), "utf8"))).toEqual({ count: WRITERS * ROUNDS });
  });

  test("no move of an alias is lost, and the log tells all of them, each from where the one before went", async () => {
    const folder = await temporaryFolder();
    await race(folder, "alias");
    const store = folderStore(folder);
    const moves = (await history(store, "digits")).toSorted((a, b) => (a.move ?? 0) - (b.move ?? 0));
    expect(moves.map(({ move }) => move)).toEqual(Array.from({ length: WRITERS * ROUNDS }, (_, i) => i + 1));
    expect(new Set(moves.map(({ version }) => version)).size).toBe(WRITERS * ROUNDS);
    const target = ({ version, digest }: ModelEvent) => ({ version, digest });
    expect(moves.slice(1).map(({ previous }) => previous)).toEqual(moves.slice(0, -1).map(target));
    expect(await findAlias(store, "digits", "candidate")).toMatchObject({
      move: WRITERS * ROUNDS,
      ...target(moves.at(-1)!),
    });
  });
});

describe("a writer that is killed", () => {
  test("while it holds the lock lets the next one in at once", async () => {
    const folder = await temporaryFolder();
    const store = folderStore(folder);
    const created = await store.create("a/b", bytes("1"));
    const lock = join(import.meta.dirname, "../../actions/shared/local/store-lock.ts");
    const program = `
      const { withLock } = await import(${JSON.stringify(lock)});
      await withLock(process.argv[1], async () => process.kill(process.pid, "SIGKILL"));`;
    const dying = run(process.execPath, ["--input-type=module", "-e", program, join(folder, ".store/lock")]);
    await expect(dying).rejects.toMatchObject({ signal: "SIGKILL" });
    expect((await store.replace("a/b", created.state === "created" ? created.etag : "", bytes("2"))).state).toBe(
      "replaced",
    );
  });

  test("and one that is stopped keeps it, however long", async () => {
    const folder = await temporaryFolder();
    const store = folderStore(folder);
    const created = await store.create("a/b", bytes("1"));
    const lock = join(import.meta.dirname, "../../actions/shared/local/store-lock.ts");
    const program = `
      const { withLock } = await import(${JSON.stringify(lock)});
      await withLock(process.argv[1], async () => { console.log("held"); process.kill(process.pid, "SIGSTOP"); });`;
    const child = execFile(process.execPath, ["--input-type=module", "-e", program, join(folder, ".store/lock")]);
    await new Promise((settle) => child.stdout?.once("data", settle));
    const replacing = store.replace("a/b", created.state === "created" ? created.etag : "", bytes("2"));
    const state = await Promise.race([replacing, new Promise((settle) => setTimeout(settle, 500, "waiting"))]);
    child.kill("SIGCONT");
    expect(state).toBe("waiting");
    expect((await replacing).state).toBe("replaced");
  });
});

describe(`kill -9 at ${SAMPLE} of the touches of the disk, seed ${seedOfDay()}`, () => {
  folderStoreKills((points) => sample(points, SAMPLE, seedOfDay()));
});

test("a store is written by ordinary users as by root: files get the modes of the process", async () => {
  const folder = await temporaryFolder();
  const before = execFileSync("bash", ["-c", "umask"], { encoding: "utf8" }).trim();
  await folderStore(folder).create("a/b", bytes("x"));
  expect((statSync(join(folder, "a/b")).mode & 0o777).toString(8)).toBe(
    (0o666 & ~Number.parseInt(before, 8)).toString(8),
  );
});
