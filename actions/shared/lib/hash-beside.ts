import { Worker } from "node:worker_threads";
import type { Digest } from "../domain/digest.ts";

/** A SHA-256 that another core computes while the bytes are on their way. */
export type HashBeside = {
  /** Takes the bytes over: they may be changed when it has ended. It waits where the other core is behind. */
  update(bytes: Uint8Array): Promise<void>;
  digest(): Promise<Digest>;
};

/** A message for less would cost more than the hash. */
const SLOT_BYTES = 1024 * 1024;
const SLOTS = 4;

type Asked =
  | { readonly id: number; readonly slot: number; readonly length: number }
  | { readonly id: number; readonly end: true };
type Told = { readonly slot: number } | { readonly id: number; readonly hex: string };

/** What the other thread runs: as text, since a bundle is one file. It knows nothing but what stands in it. */
const LOOP = `
const { parentPort, workerData } = process.getBuiltinModule("node:worker_threads");
const { createHash } = process.getBuiltinModule("node:crypto");
const { memory, slotBytes } = workerData;
const hashes = new Map();
parentPort.on("message", ({ id, slot, length, end }) => {
  if (!hashes.has(id)) hashes.set(id, createHash("sha256"));
  const hash = hashes.get(id);
  if (end) {
    hashes.delete(id);
    return parentPort.postMessage({ id, hex: hash.digest("hex") });
  }
  hash.update(new Uint8Array(memory, slot * slotBytes, length));
  parentPort.postMessage({ slot });
});
`;

let shared: ReturnType<typeof startThread> | undefined;

/** All of a process share one thread; it does not keep the process alive. */
export function hashBeside(): HashBeside {
  shared ??= startThread();
  return shared();
}

function startThread(): () => HashBeside {
  const memory = new SharedArrayBuffer(SLOTS * SLOT_BYTES);
  const worker = new Worker(LOOP, { eval: true, workerData: { memory, slotBytes: SLOT_BYTES } });
  const free = Array.from({ length: SLOTS }, (_, slot) => slot);
  const waiting: { readonly take: (slot: number) => void; readonly fail: (error: unknown) => void }[] = [];
  const ending = new Map<number, { readonly take: (hex: string) => void; readonly fail: (error: unknown) => void }>();
  let nextId = 0;
  let failure: unknown;

  // Only while somebody waits for it.
  const hold = () => (waiting.length + ending.size > 0 ? worker.ref() : worker.unref());
  worker.on("message", (told: Told) => {
    if ("hex" in told) {
      ending.get(told.id)?.take(told.hex);
      ending.delete(told.id);
    } else {
      const next = waiting.shift();
      if (next === undefined) free.push(told.slot);
      else next.take(told.slot);
    }
    hold();
  });
  worker.on("error", (error) => {
    failure = error;
    for (const { fail } of [...waiting.splice(0), ...ending.values()]) fail(error);
    ending.clear();
  });
  worker.unref();

  // A slot that is not full is kept by its hash, but not while another one waits: the two may wait for each other elsewhere.
  const keeping = new Set<() => void>();
  const freeSlot = () => {
    const slot = free.pop();
    if (slot !== undefined) return slot;
    return new Promise<number>((take, fail) => {
      waiting.push({ take, fail });
      hold();
      for (const flush of keeping) flush();
    });
  };
  const ask = (asked: Asked) => {
    if (failure !== undefined) throw failure;
    worker.postMessage(asked);
  };

  return () => {
    const id = nextId++;
    let open: { readonly slot: number; readonly length: number } | undefined;
    const flush = () => {
      if (open !== undefined) ask({ id, ...open });
      open = undefined;
      keeping.delete(flush);
    };
    return {
      async update(bytes) {
        for (let at = 0; at < bytes.length; ) {
          open ??= { slot: await freeSlot(), length: 0 };
          const piece = bytes.subarray(at, at + SLOT_BYTES - open.length);
          new Uint8Array(memory, open.slot * SLOT_BYTES + open.length, piece.length).set(piece);
          open = { slot: open.slot, length: open.length + piece.length };
          at += piece.length;
          if (open.length === SLOT_BYTES || waiting.length > 0) flush();
          else keeping.add(flush);
        }
      },
      digest() {
        const told = new Promise<Digest>((settle, fail) => {
          ending.set(id, { take: (hex) => settle(`sha256:${hex}`), fail });
        });
        hold();
        flush();
        ask({ id, end: true });
        return told;
      },
    };
  };
}
