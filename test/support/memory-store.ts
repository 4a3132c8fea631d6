import { once } from "../../actions/shared/lib/image/put-image.ts";
import { checkKey, checkPrefix } from "../../actions/shared/lib/store-key.ts";
import type { Body, ModelStore } from "../../actions/shared/ports/model-store.ts";

type Entry = { readonly bytes: Uint8Array; readonly etag: string; readonly modifiedMs: number };

/** A store that is gone with the process: for tests that make thousands of releases. */
export function memoryStore(now: () => number = Date.now): ModelStore {
  const entries = new Map<string, Entry>();
  let count = 0;

  function put(key: string, bytes: Uint8Array): string {
    const etag = `"${++count}"`;
    entries.set(key, { bytes, etag, modifiedMs: now() });
    return etag;
  }

  return {
    uri: "memory:///store",
    create: async (key, body) => {
      checkKey(key);
      const bytes = await bytesOf(body);
      return entries.has(key) ? { state: "exists" } : { state: "created", etag: put(key, bytes) };
    },
    read: async (key) => entries.get(checkKey(key)),
    open: async (key) => {
      const entry = entries.get(checkKey(key));
      return entry && once(entry.bytes);
    },
    replace: async (key, etag, body) => {
      checkKey(key);
      const bytes = await bytesOf(body);
      return entries.get(key)?.etag === etag ? { state: "replaced", etag: put(key, bytes) } : { state: "changed" };
    },
    list: async function* (prefix) {
      checkPrefix(prefix);
      for (const key of [...entries.keys()].filter((one) => one.startsWith(prefix)).sort()) {
        const { bytes, modifiedMs = 0 } = entries.get(key) ?? {};
        yield { key, size: bytes?.length ?? 0, modifiedMs };
      }
    },
    clear: async (prefix) => {
      const below = `${checkKey(prefix.replace(/\/$/, ""))}/`;
      for (const key of entries.keys()) if (key.startsWith(below)) entries.delete(key);
    },
    remove: async (key, etag) => {
      if (entries.get(checkKey(key))?.etag !== etag) return { state: "changed" };
      entries.delete(key);
      return { state: "removed" };
    },
    address: (key) => `memory:///store/${checkKey(key)}`,
  };
}

async function bytesOf(body: Body): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const block = new Uint8Array(new SharedArrayBuffer(body.size));
  const reader = body.read();
  try {
    await reader.fill(block);
  } finally {
    await reader.close();
  }
  return Uint8Array.from(block);
}
