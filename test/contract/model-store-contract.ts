import fc from "fast-check";
import { expect, test } from "vitest";
import type { ModelStore } from "../../actions/shared/ports/model-store.ts";
import { streamed } from "../support/streamed.ts";

/** What every model store must do. `again` opens the same store as another process would. */
export function modelStoreContract(
  open: () => Promise<{ readonly store: ModelStore; readonly again: () => ModelStore }>,
): void {
  test("gives back what was created", async () => {
    const { store, again } = await open();
    const created = await store.create("digits/aliases/champion.json", bytes("one"));
    expect(created.state).toBe("created");
    for (const view of [store, again()]) {
      const entry = await view.read("digits/aliases/champion.json");
      expect(entry && text(entry.bytes)).toBe("one");
      expect(entry?.etag).toBe(created.state === "created" && created.etag);
    }
  });

  test("has nothing under a key that was never written", async () => {
    const { store } = await open();
    expect(await store.read("digits/versions/1.0.0.json")).toBeUndefined();
    expect(await store.open("digits/versions/1.0.0.json")).toBeUndefined();
    expect(await keys(store, "digits/")).toEqual([]);
    expect(await store.replace("digits/a.json", "etag", bytes("x"))).toEqual({ state: "changed" });
    expect(await store.remove("digits/a.json", "etag")).toEqual({ state: "changed" });
    expect(await store.read("digits/a.json")).toBeUndefined();
  });

  test("creates a key once", async () => {
    const { store, again } = await open();
    await store.create("digits/versions/1.0.0.json", bytes("first"));
    expect(await again().create("digits/versions/1.0.0.json", bytes("second"))).toEqual({ state: "exists" });
    expect(await readText(store, "digits/versions/1.0.0.json")).toBe("first");
  });

  test("replaces a key only by the etag that it has", async () => {
    const { store, again } = await open();
    const first = await store.create("a/b.json", bytes("1"));
    if (first.state !== "created") throw new Error("not created");
    const second = await again().replace("a/b.json", first.etag, bytes("2"));
    expect(second.state).toBe("replaced");
    expect(await store.replace("a/b.json", first.etag, bytes("3"))).toEqual({ state: "changed" });
    expect(await readText(store, "a/b.json")).toBe("2");
    expect((await store.read("a/b.json"))?.etag).toBe(second.state === "replaced" && second.etag);
  });

  test("removes a key only by the etag that it has, and can create it anew", async () => {
    const { store } = await open();
    const first = await store.create("a/b.json", bytes("1"));
    if (first.state !== "created") throw new Error("not created");
    expect(await store.remove("a/b.json", "other")).toEqual({ state: "changed" });
    expect(await store.remove("a/b.json", first.etag)).toEqual({ state: "removed" });
    expect(await store.remove("a/b.json", first.etag)).toEqual({ state: "changed" });
    expect(await store.read("a/b.json")).toBeUndefined();
    expect((await store.create("a/b.json", bytes("2"))).state).toBe("created");
  });

  test("tells when a key was written last", async () => {
    const { store, again } = await open();
    const modified = async () => (await Array.fromAsync(store.list("a/")))[0]?.modifiedMs ?? Number.NaN;
    const before = Date.now();
    const first = await store.create("a/b.json", bytes("1"));
    const after = Date.now();
    const created = await modified();
    // The same clock; servers of S3 tell whole seconds.
    expect(created).toBeGreaterThan(before - 1_100);
    expect(created).toBeLessThan(after + 1_100);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    if (first.state === "created") await again().replace("a/b.json", first.etag, bytes("2"));
    expect(await modified()).toBeGreaterThan(created);
  });

  test("clears everything below a prefix and nothing beside it", async () => {
    const { store, again } = await open();
    const left = ["digits/files/1.0.0.json", "digits/files/1.0.0~a/x.bin", "digits/files/1.0.1/x.bin"];
    const gone = ["digits/files/1.0.0/deep/er/y.bin", "digits/files/1.0.0/x.bin"];
    for (const key of [...left, ...gone]) await store.create(key, bytes(key));
    await again().clear("digits/files/1.0.0/");
    expect(await keys(store, "")).toEqual(left);
    await store.clear("digits/files/1.0.0/");
    await store.clear("nowhere/");
    expect((await store.create("digits/files/1.0.0/x.bin", bytes("new"))).state).toBe("created");
    expect(await readText(store, "digits/files/1.0.0/x.bin")).toBe("new");
  });

  test("is never cleared as a whole", async () => {
    const { store } = await open();
    await store.create("a/b.json", bytes("1"));
    for (const prefix of ["", "/", "../", ".store/"]) await expect(store.clear(prefix)).rejects.toThrow("[INPUT]");
    expect(await keys(store, "")).toEqual(["a/b.json"]);
  });

  test("streams values that are larger than one piece", async () => {
    const { store } = await open();
    const size = 5 * 1024 * 1024 + 17;
    const body = streamed(size, () => pieces(size));
    expect((await store.create("digits/files/1.0.0/model.onnx", body)).state).toBe("created");
    let read = 0;
    let sum = 0;
    for await (const chunk of (await store.open("digits/files/1.0.0/model.onnx")) ?? []) {
      read += chunk.length;
      for (const byte of chunk) sum = (sum * 31 + byte) % 1_000_003;
    }
    let expected = 0;
    for await (const chunk of pieces(size)) for (const byte of chunk) expected = (expected * 31 + byte) % 1_000_003;
    expect({ read, sum }).toEqual({ read: size, sum: expected });
  });

  test("keeps nothing of a value that ends early or runs over", async () => {
    const { store } = await open();
    for (const size of [10, 1_000]) {
      await expect(
        store.create(
          "digits/files/1.0.0/model.onnx",
          streamed(size, () => pieces(100)),
        ),
      ).rejects.toThrow();
    }
    expect(await store.read("digits/files/1.0.0/model.onnx")).toBeUndefined();
    expect(await keys(store, "digits/")).toEqual([]);
  });

  test("keeps nothing of a value whose source fails, and the source's error comes through", async () => {
    const { store } = await open();
    const failing = async function* () {
      yield bytes("half");
      throw new Error("the disk under the source went away");
    };
    await expect(store.create("a/b", streamed(8, failing))).rejects.toThrow("the disk under the source went away");
    expect(await store.read("a/b")).toBeUndefined();
  });

  test("lists the keys below a prefix in the order of their UTF-16 code units", async () => {
    const { store } = await open();
    const all = ["m/a-b/x", "m/a.json", "m/a/z", "m/a0", "m/B", "m/ä", "m/a/b/c", "mm/a", "n"];
    for (const key of all) await store.create(key, bytes(key));
    expect(await keys(store, "m/")).toEqual(all.filter((key) => key.startsWith("m/")).toSorted());
    expect(await keys(store, "")).toEqual(all.toSorted());
    expect(await keys(store, "m/a/")).toEqual(["m/a/b/c", "m/a/z"]);
    for await (const { key, size } of store.list("")) expect(size).toBe(Buffer.byteLength(key));
  });

  test("names the address of a key below its own", async () => {
    const { store } = await open();
    expect(store.uri).toMatch(/^[a-z0-9]+:\/\/.*[^/]$/);
    expect(store.address("digits/files/1.0.0")).toBe(`${store.uri}/digits/files/1.0.0`);
  });

  test.each([
    "",
    "/etc/passwd",
    "../outside",
    "a/../../outside",
    "a//b",
    "a/./b",
    "a/",
    "a\0b",
    "a\nb",
    "a\\b",
    "\ud800",
    "x".repeat(256),
    `${"y/".repeat(600)}z`,
  ])("refuses the key %j", async (key) => {
    const { store } = await open();
    const refusal = expect.objectContaining({ code: "INPUT" });
    await expect(store.create(key, bytes("x"))).rejects.toEqual(refusal);
    await expect(store.read(key)).rejects.toEqual(refusal);
    await expect(store.open(key)).rejects.toEqual(refusal);
    await expect(store.replace(key, "etag", bytes("x"))).rejects.toEqual(refusal);
    await expect(store.remove(key, "etag")).rejects.toEqual(refusal);
    expect(() => store.address(key)).toThrow("[INPUT]");
  });

  test("one of many creators of a key wins", async () => {
    const { store, again } = await open();
    const writers = Array.from({ length: 16 }, (_, i) => ({ i, view: again() }));
    const results = await Promise.all(writers.map(({ i, view }) => view.create("a/b", bytes(`writer ${i}`))));
    const winners = results.flatMap((result, i) => (result.state === "created" ? [i] : []));
    expect(winners).toHaveLength(1);
    expect(await readText(store, "a/b")).toBe(`writer ${winners[0]}`);
  });

  test("behaves as a map with compare-and-swap would", async () => {
    const key = fc.constantFrom("a", "b/c", "b/d", "e/f/g");
    const command = fc.record({ act: fc.constantFrom("create", "replace", "replaceOld", "remove", "read"), key });
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (commands) => {
        const { store } = await open();
        const model = new Map<string, string>();
        for (const [i, { act, key: name }] of commands.entries()) {
          const known = model.get(name);
          const etag = (await store.read(name))?.etag ?? "none";
          const value = `value ${i}`;
          const state = await apply(store, { act, key: name, etag: act === "replaceOld" ? "stale" : etag, value });
          expect(state).toBe(expectedState(act, known));
          if (state === "created" || state === "replaced") model.set(name, value);
          if (state === "removed") model.delete(name);
        }
        expect(await keys(store, "")).toEqual([...model.keys()].toSorted());
        for (const [name, value] of model) expect(await readText(store, name)).toBe(value);
      }),
      { numRuns: 20 },
    );
  });
}

type Act = "create" | "replace" | "replaceOld" | "remove" | "read";

async function apply(
  store: ModelStore,
  {
    act,
    key,
    etag,
    value,
  }: { readonly act: string; readonly key: string; readonly etag: string; readonly value: string },
): Promise<string> {
  switch (act as Act) {
    case "create":
      return (await store.create(key, bytes(value))).state;
    case "replace":
    case "replaceOld":
      return (await store.replace(key, etag, bytes(value))).state;
    case "remove":
      return (await store.remove(key, etag)).state;
    case "read":
      return (await store.read(key)) === undefined ? "nothing" : "something";
  }
}

function expectedState(act: string, known: string | undefined): string {
  switch (act as Act) {
    case "create":
      return known === undefined ? "created" : "exists";
    case "replace":
      return known === undefined ? "changed" : "replaced";
    case "replaceOld":
      return "changed";
    case "remove":
      return known === undefined ? "changed" : "removed";
    case "read":
      return known === undefined ? "nothing" : "something";
  }
}

function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function text(value: Uint8Array): string {
  return new TextDecoder().decode(value);
}

async function readText(store: ModelStore, key: string): Promise<string | undefined> {
  const entry = await store.read(key);
  return entry && text(entry.bytes);
}

async function keys(store: ModelStore, prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) found.push(key);
  return found;
}

async function* pieces(size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += 100_000) {
    yield Uint8Array.from({ length: Math.min(100_000, size - at) }, (_, i) => (at + i * 7) % 251);
  }
}
