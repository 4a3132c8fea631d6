import type { Block } from "../ports/model-store.ts";

/** A block of memory that is lent; it goes back with `end`. */
type Loan = { readonly bytes: Block; end(): void };

/** Memory for bodies on their way: never more than its budget at once, whoever asks, first come first served. */
export type Memory = { rent(size: number): Promise<Loan> };

type Range = { readonly at: number; readonly size: number };

/**
 * All of it is one piece, of which ranges are lent: blocks of their own, in many sizes, would be there until the collector comes, which does
 * not count them. One request may be larger than the budget: it then has it for itself.
 */
export function memoryOf(budget: number): Memory {
  let whole: SharedArrayBuffer | undefined;
  const lent = new Set<Range>();
  const waiting: { readonly size: number; readonly start: (range: Range) => void }[] = [];

  const startWaiting = () => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const at = firstGap(lent, next.size, budget);
      if (at === undefined) return;
      waiting.shift();
      const range = { at, size: next.size };
      lent.add(range);
      next.start(range);
    }
  };

  return {
    async rent(size) {
      const range = await new Promise<Range>((start) => {
        waiting.push({ size: Math.min(pagesOf(size), budget), start });
        startWaiting();
      });
      // Of what was never used, the system gives no memory.
      whole ??= new SharedArrayBuffer(budget);
      const bytes = size > budget ? new Uint8Array(new SharedArrayBuffer(size)) : new Uint8Array(whole, range.at, size);
      const end = () => {
        if (lent.delete(range)) startWaiting();
      };
      return { bytes, end };
    },
  };
}

const PAGE_BYTES = 4096;

function pagesOf(size: number): number {
  return Math.ceil(size / PAGE_BYTES) * PAGE_BYTES;
}

/** Where so much is free; as far to the front as can be, so that the end is only used where it is needed. */
function firstGap(lent: ReadonlySet<Range>, size: number, budget: number): number | undefined {
  let at = 0;
  for (const range of [...lent].sort((one, other) => one.at - other.at)) {
    if (range.at - at >= size) return at;
    at = range.at + range.size;
  }
  return budget - at >= size ? at : undefined;
}
