import type { Body, ModelStore } from "../../actions/shared/ports/model-store.ts";

/** A store that is gone with the process: for tests that make thousands of releases. */
export function memoryStore(now: () => number = Date.now): ModelStore {
  const entries = new Map<string, { readonly bytes: Uint8Array; readonly etag: string; readonly modifiedMs: number }>();
  let count = 0;

  function put(key: string, bytes: Uint8Array): string {
    const etag = `"${++count}"`;
    entries.set(key, { bytes, etag, modifiedMs: now() });
    return etag;
  }

  return {
    uri: "memory:///store",
    create: async (key, body) => {
      const bytes = await bytesOf(body);
      return entries.has(key) ? { state: "exists" } : { state: "created", etag: put(key, bytes) };
    },
    read: async (key) => entries.get(key),
    open: async (key) => {
      const entry = entries.get(key);
      return entry && onceOf(entry.bytes);
    },
    replace: async (key, etag, body) => {
      const bytes = await bytesOf(body);
      return entries.get(key)?.etag === etag ? { state: "replaced", etag: put(key, bytes) } : { state: "changed" };
    },
    list: async function* (prefix) {
      for (const key of [...entries.keys()].filter((one) => one.startsWith(prefix)).sort()) {
        const { bytes, modifiedMs = 0 } = entries.get(key) ?? {};
        yield { key, size: bytes?.length ?? 0, modifiedMs };
      }
    },
    clear: async (prefix) => {
      for (const key of entries.keys()) if (key.startsWith(prefix)) entries.delete(key);
    },
    remove: async (key, etag) => {
      if (entries.get(key)?.etag !== etag) return { state: "changed" };
      entries.delete(key);
      return { state: "removed" };
    },
    address: (key) => `memory:///store/${key}`,
  };
}

async function bytesOf(body: Body): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  return Buffer.concat(await Array.fromAsync(body.open()));
}

async function* onceOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
