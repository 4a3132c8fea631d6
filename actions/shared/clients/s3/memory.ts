/** A block of memory that is lent; it goes back with `end`. */
export type Loan = { readonly bytes: Uint8Array; end(): void };

/** Memory for bodies on their way: never more than its budget at once, whoever asks, first come first served. */
export type Memory = { rent(size: number): Promise<Loan> };

/** One request may be larger than the budget: it then has it for itself. */
export function memoryOf(budget: number): Memory {
  let free = budget;
  const waiting: { readonly size: number; readonly start: () => void }[] = [];
  // Large blocks are used again: new ones would be filled with zeros first, and the collector would come late.
  const idle = new Map<number, Uint8Array[]>();

  const startWaiting = () => {
    for (let next = waiting[0]; next !== undefined && next.size <= free; next = waiting[0]) {
      waiting.shift();
      free -= next.size;
      next.start();
    }
  };

  return {
    async rent(size) {
      const share = Math.min(size, budget);
      await new Promise<void>((start) => {
        waiting.push({ size: share, start });
        startWaiting();
      });
      const kept = idle.get(size)?.pop();
      const bytes = kept ?? Buffer.allocUnsafeSlow(size);
      let ended = false;
      const end = () => {
        if (ended) return;
        ended = true;
        if (size >= KEPT_BYTES) idle.set(size, [...(idle.get(size) ?? []), bytes]);
        free += share;
        startWaiting();
      };
      return { bytes, end };
    },
  };
}

const KEPT_BYTES = 8 * 1024 * 1024;
