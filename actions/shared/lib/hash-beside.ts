import { Worker } from "node:worker_threads";
import { type Hashed, type HashedPiece, hashBlocks } from "./hash-blocks.ts";

/** A SHA-256 that another core computes, of blocks in the order in which they are given. */
export type HashBeside = {
  /** Hashes a block where it lies. Undefined: the file ends before the block does. Throws as `readSync` does. */
  add(piece: HashedPiece): Promise<Hashed | undefined>;
  /** For whoever may not have come to the last block. */
  drop(): void;
};

type Told =
  | { readonly id: number; readonly hashed: Hashed | undefined }
  | { readonly id: number; readonly code: string; readonly message: string };

/** What the other thread runs: as text, since a bundle is one file. */
const LOOP = `
const { parentPort } = process.getBuiltinModule("node:worker_threads");
const { createHash } = process.getBuiltinModule("node:crypto");
const { readSync } = process.getBuiltinModule("node:fs");
const { crc32 } = process.getBuiltinModule("node:zlib");
const hashBlocks = ${hashBlocks};
const hashes = new Map();
parentPort.on("message", ({ id, hashId, ...piece }) => {
  if (piece.block === undefined) return hashes.delete(hashId);
  try {
    if (!hashes.has(hashId)) hashes.set(hashId, hashBlocks({ createHash, readSync, crc32 }));
    const hashed = hashes.get(hashId)(piece);
    if (piece.isLast) hashes.delete(hashId);
    parentPort.postMessage({ id, hashed });
  } catch ({ code, message }) {
    parentPort.postMessage({ id, code, message });
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
  const worker = new Worker(LOOP, { eval: true });
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
