import { Worker } from "node:worker_threads";
import type { Digest } from "../domain/digest.ts";
import type { Block } from "../ports/model-store.ts";

/** A SHA-256 that another core computes, of blocks in the order in which they are given. */
export type HashBeside = {
  /** Hashes a block where it lies. Undefined: the file ends before the block does. Throws as `readSync` does. */
  add(piece: HashedPiece): Promise<Hashed | undefined>;
  /** For whoever may not have come to the last block. */
  drop(): void;
};

type HashedPiece = {
  readonly block: Block;
  /** The block is read from there first. */
  readonly from?: FilePlace;
  readonly isLast: boolean;
};
type FilePlace = { readonly descriptor: number; readonly at: number };

export type Hashed = {
  /** Of the block. */
  readonly crc32: number;
  /** Of all blocks, with the last one. */
  readonly digest?: Digest;
};

type Told =
  | { readonly id: number; readonly hashed: Hashed | undefined }
  | { readonly id: number; readonly code: string; readonly message: string };

/** What is read, hashed and summed at once: it stays in the core's own cache from the first to the last. */
const PIECE_BYTES = 256 * 1024;

/** What the other thread runs: as text, since a bundle is one file. It knows nothing but what stands in it. */
const LOOP = `
const { parentPort, workerData: pieceBytes } = process.getBuiltinModule("node:worker_threads");
const { createHash } = process.getBuiltinModule("node:crypto");
const { readSync } = process.getBuiltinModule("node:fs");
const { crc32 } = process.getBuiltinModule("node:zlib");
const hashes = new Map();
function add({ hashId, block, from, isLast }) {
  if (!hashes.has(hashId)) hashes.set(hashId, createHash("sha256"));
  const hash = hashes.get(hashId);
  let sum = 0;
  for (let at = 0; at < block.length; ) {
    let piece = block.subarray(at, at + pieceBytes);
    if (from !== undefined) {
      const read = readSync(from.descriptor, piece, 0, piece.length, from.at + at);
      if (read === 0) return undefined;
      piece = piece.subarray(0, read);
    }
    hash.update(piece);
    sum = crc32(piece, sum);
    at += piece.length;
  }
  if (!isLast) return { crc32: sum };
  hashes.delete(hashId);
  return { crc32: sum, digest: "sha256:" + hash.digest("hex") };
}
parentPort.on("message", (asked) => {
  if (asked.block === undefined) return hashes.delete(asked.hashId);
  try {
    parentPort.postMessage({ id: asked.id, hashed: add(asked) });
  } catch ({ code, message }) {
    parentPort.postMessage({ id: asked.id, code, message });
  }
});
`;

let thread: ReturnType<typeof startThread> | undefined;
let hashes = 0;

/** All of a process share one thread; it does not keep the process alive. */
export function hashBeside(): HashBeside {
  const { ask, forget } = startHashing();
  const hashId = hashes++;
  let isOver = false;
  return {
    async add(piece) {
      const hashed = await ask({ hashId, ...piece });
      isOver ||= hashed?.digest !== undefined;
      return hashed;
    },
    drop() {
      if (!isOver) forget(hashId);
    },
  };
}

/** It takes a moment until the thread is there: whoever will want it soon says so, and goes on. */
export function startHashing(): ReturnType<typeof startThread> {
  thread ??= startThread();
  return thread;
}

type Waiting = { readonly take: (hashed: Hashed | undefined) => void; readonly fail: (error: unknown) => void };

function startThread() {
  const worker = new Worker(LOOP, { eval: true, workerData: PIECE_BYTES });
  const waiting = new Map<number, Waiting>();
  let nextId = 0;
  let failure: unknown;

  worker.on("message", (told: Told) => {
    const { take, fail } = waiting.get(told.id) as Waiting;
    waiting.delete(told.id);
    if ("code" in told) fail(Object.assign(new Error(told.message), { code: told.code }));
    else take(told.hashed);
    if (waiting.size === 0) worker.unref();
  });
  worker.on("error", (error) => {
    failure = error;
    for (const { fail } of waiting.values()) fail(error);
    waiting.clear();
  });
  worker.unref();

  return {
    ask(asked: HashedPiece & { readonly hashId: number }): Promise<Hashed | undefined> {
      if (failure !== undefined) return Promise.reject(failure);
      const id = nextId++;
      return new Promise((take, fail) => {
        waiting.set(id, { take, fail });
        // Only while somebody waits for it.
        if (waiting.size === 1) worker.ref();
        worker.postMessage({ id, ...asked });
      });
    },
    forget(hashId: number): void {
      if (failure === undefined) worker.postMessage({ hashId });
    },
  };
}
