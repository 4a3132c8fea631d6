import type { Block } from "../ports/model-store.ts";

/** A block of memory that is lent; it goes back with `end`. */
type Loan = { readonly bytes: Block; end(): void };

/** Memory for bodies on their way: never more than its budget at once, whoever asks, first come first served. */
export type Memory = { rent(size: number): Promise<Loan> };

/** One request may be larger than the budget: it then has it for itself. */
export function memoryOf(budget: number): Memory {
  let free = budget;
  const waiting: { readonly size: number; readonly start: () => void }[] = [];
  // Blocks are used again: new ones would be filled with zeros first, and the collector would come late.
  const idle = new Map<number, Block[]>();
  let idleBytes = 0;

  const startWaiting = () => {
    for (let next = waiting[0]; next !== undefined && next.size <= free; next = waiting[0]) {
      waiting.shift();
      free -= next.size;
      next.start();
    }
  };

  const take = (size: number): Block => {
    const kept = idle.get(size)?.pop();
    if (kept !== undefined) {
      idleBytes -= size;
      return kept;
    }
    // What lies idle in other sizes makes room first.
    if (idleBytes > free) {
      idle.clear();
      idleBytes = 0;
    }
    return new Uint8Array(new SharedArrayBuffer(size));
  };

  return {
    async rent(size) {
      const block = blockBytes(size);
      const share = Math.min(block, budget);
      await new Promise<void>((start) => {
        waiting.push({ size: share, start });
        startWaiting();
      });
      const bytes = take(block);
      let ended = false;
      const end = () => {
        if (ended) return;
        ended = true;
        idle.set(block, [...(idle.get(block) ?? []), bytes]);
        idleBytes += block;
        free += share;
        startWaiting();
      };
      return { bytes: bytes.subarray(0, size), end };
    },
  };
}

const SMALLEST_BLOCK = 64 * 1024;
const MIB = 1024 * 1024;

/** Blocks have few sizes, so that they fit again: the next power of two, from 8 MiB on whole MiB. */
function blockBytes(size: number): number {
  if (size === 0) return 0;
  if (size > 8 * MIB) return Math.ceil(size / MIB) * MIB;
  return Math.max(SMALLEST_BLOCK, 2 ** Math.ceil(Math.log2(size)));
}
